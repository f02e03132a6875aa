"""Wall time and peak memory of the whole demo at growing sizes: does it grow faster than the hospital?

    python benchmarks/demo_scale.py [PATIENTS ...]        the default is 200 400 800; the aim is 1000 10000 100000

Each size is a process of its own, `trivet demo --no-serve --json`. `growth` is time against time of the size before, over patients
against patients: 1.0 is linear; `cpu_growth` the same of processor seconds, which other work on the machine moves less. `peak_mb` is the
largest process, `total_mb` the most that all processes held together, looked at five times a second (shared pages counted for each).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def demo(patients: int) -> dict[str, float]:
    """Seconds and peak megabytes of one demo."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "trivet.cli.main", "demo", "--home", str(Path(name) / "home"), "--patients", str(patients)]
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--no-serve", "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        total, ended = 0, 0
        while not ended:
            total = max(total, held(process.pid))
            time.sleep(0.2)
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
        process.returncode = status
        taken = time.perf_counter() - started
    if status:
        raise SystemExit(f"the demo of {patients} ended with {os.waitstatus_to_exitcode(status)}")
    cpu = used.ru_utime + used.ru_stime
    return {
        "patients": patients,
        "seconds": round(taken, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "total_mb": round(total / 2**20),
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


def main() -> None:
    """Print one JSON object."""
    sizes = [int(word) for word in sys.argv[1:]] or [200, 400, 800]
    rows: list[dict[str, float]] = []
    for size in sizes:
        row = demo(size)
        if rows:
            before = rows[-1]
            row["growth"] = round(row["seconds"] / before["seconds"] / (size / before["patients"]), 2)
            row["cpu_growth"] = round(row["cpu_seconds"] / before["cpu_seconds"] / (size / before["patients"]), 2)
            row["memory_growth"] = round(row["peak_mb"] / before["peak_mb"], 2)
        rows.append(row)
    print(json.dumps({"benchmark": "demo_scale", "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
