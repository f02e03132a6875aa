"""The sample hospital: processor time and memory against its size. The limit beside it: writing the same bytes to this disk.

python benchmarks/sample_hospital.py [PERSONS ...]        (100 1000 10000 by default)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """
import collections, json, resource, sys, time
from trivet.testing.hospital import generate
began, counts, size = time.process_time(), collections.Counter(), 0
for item in generate(int(sys.argv[1]), 7):
    counts[item.source] += 1
    size += len(item.payload)
print(json.dumps({"seconds": time.process_time() - began, "counts": counts, "bytes": size,
                  "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
"""


def written(size: int) -> float:
    """Seconds to write and sync as many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        began, path = time.perf_counter(), Path(folder) / "bytes"
        with path.open("wb") as file:
            for _ in range(size // 1_000_000 + 1):
                file.write(b"x" * 1_000_000)
            file.flush()
        return time.perf_counter() - began


def main() -> None:
    """One line per size."""
    print(f"{'persons':>8} {'cpu s':>7} {'ms each':>8} {'deliveries':>11} {'MB out':>7} {'peak MB':>8} {'writing the bytes, s':>21}")
    for persons in [int(text) for text in sys.argv[1:]] or [100, 1000, 10000]:
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(persons)], check=True, capture_output=True, text=True)
        seen = json.loads(done.stdout)
        print(
            f"{persons:>8} {seen['seconds']:>7.2f} {1000 * seen['seconds'] / persons:>8.2f} {sum(seen['counts'].values()):>11}"
            f" {seen['bytes'] / 1e6:>7.0f} {seen['mb']:>8} {written(seen['bytes']):>21.2f}"
        )


if __name__ == "__main__":
    main()
