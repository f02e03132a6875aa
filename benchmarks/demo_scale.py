"""Wall time, processor time and peak memory of the whole demo at growing sizes: does it grow faster than the hospital?

    python benchmarks/demo_scale.py [PATIENTS ...]                   the default is 200 400 800; the aim is 1000 10000 100000
    python benchmarks/demo_scale.py --only 100000 --append FILE      one size, its row added to FILE (one JSON object a line)
    python benchmarks/demo_scale.py --append FILE --report           the rows of FILE against one another, nothing run

Each size is a process of its own, `trivet demo --no-serve --json`. `peak_mb` is the largest process, `total_mb` the most that all processes
held together, looked at five times a second (shared pages counted once for each, so it is never too small). `cpu_ms_per_person` is user and
system time of all processes. `--days` makes the history shorter than two years, for sizes that a disk cannot hold; sizes are compared
only at one length. Of two sizes, `growth` is wall time against that of the size before, over patients against patients: 1.0 is
linear; `cpu_growth` the same of processor time, which other work on the machine moves less; `kb_per_further_person` what the peak of all
processes grew by for each further person. `steps` are the demo's own seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any


def demo(patients: int, days: int, folder: str | None) -> dict[str, Any]:
    """Seconds and peak megabytes of one demo, its home in a temporary folder."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home, said = Path(name) / "home", Path(name) / "said.json"
        command = [sys.executable, "-m", "trivet.cli.main", "demo", "--home", str(home), "--patients", str(patients), "--days", str(days)]
        started = time.perf_counter()
        with said.open("wb") as out:
            process = subprocess.Popen([*command, "--no-serve", "--json"], stdout=out, stderr=subprocess.DEVNULL, start_new_session=True)
            total, ended = 0, 0
            while not ended:
                total = max(total, held(process.pid))
                time.sleep(0.2)
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
        process.returncode = status
        taken = time.perf_counter() - started
        if status:
            raise SystemExit(f"the demo of {patients} ended with {os.waitstatus_to_exitcode(status)}")
        story = json.loads(said.read_bytes())
        disk = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    cpu = used.ru_utime + used.ru_stime
    return {
        "patients": patients,
        "days": days,
        "units": story["received"]["landed"],
        "seconds": round(taken, 1),
        "cpu_seconds": round(cpu, 1),
        "cpu_ms_per_person": round(1000 * cpu / patients, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "total_mb": round(total / 2**20),
        "home_mb": round(disk / 2**20),
        "steps": {step["step"]: step["seconds"] for step in story["steps"]},
    }


def held(session: int) -> int:
    """Bytes that the processes of a session hold now."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            pages += int((folder / "statm").read_text().split()[1]) if int(fields[3]) == session else 0
        except (OSError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the order of their lengths and sizes (of equals the last), each against the one before of the same length."""
    ordered = sorted({(row["days"], row["patients"]): row for row in rows}.values(), key=lambda row: (row["days"], row["patients"]))
    for before, row in pairwise(ordered):
        if before["days"] != row["days"]:
            continue
        times = row["patients"] / before["patients"]
        row["growth"] = round(row["seconds"] / before["seconds"] / times, 2)
        row["cpu_growth"] = round(row["cpu_seconds"] / before["cpu_seconds"] / times, 2)
        row["kb_per_further_person"] = round(1024 * (row["total_mb"] - before["total_mb"]) / (row["patients"] - before["patients"]), 1)
    return ordered


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patients", nargs="*", type=int, default=[])
    parser.add_argument("--only", type=int, help="this size alone")
    parser.add_argument("--days", type=int, default=730, help="how long the history is")
    parser.add_argument("--append", type=Path, help="keep each row here, and take the rows that are here into the comparison")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--folder", help="where homes stand while they are measured; 100,000 people need some 40 GB")
    given = parser.parse_args()
    sizes = [] if given.report else [given.only] if given.only else given.patients or [200, 400, 800]
    rows = [json.loads(line) for line in given.append.read_text().splitlines()] if given.append and given.append.exists() else []
    for size in sizes:
        rows.append(demo(size, given.days, given.folder))
        print(json.dumps(rows[-1]), file=sys.stderr)
        if given.append:
            with given.append.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    print(json.dumps({"benchmark": "demo_scale", "rows": compared(rows)}, indent=2))


if __name__ == "__main__":
    main()
