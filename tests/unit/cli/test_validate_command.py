"""`trivet validate` as it is called: exit codes, the JSON form, lines and folders."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

GOOD = '{"resourceType":"Patient","id":"a","gender":"female"}'
BAD = '{"resourceType":"Patient","id":"b","gender":"f","birthDate":"2026-02-30"}'


def call(*arguments: object) -> tuple[int, dict[str, Any]]:
    """The command's exit code and its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "trivet.cli.main", "validate", *map(str, arguments), "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)


def test_files_lines_and_folders(tmp_path: Path) -> None:
    """A good file ends with 0, a bad line with 4 and its place in the file; a folder is walked and an empty file is refused."""
    good, lines = tmp_path / "good.json", tmp_path / "many.ndjson"
    good.write_text(GOOD)
    lines.write_text(f"{GOOD}\n\n{BAD}\n")
    code, answer = call(good)
    assert (code, answer["resources"], answer["refused"], answer["errors"]) == (0, 1, 0, 0)
    code, answer = call(lines)
    assert (code, answer["resources"], answer["refused"]) == (4, 2, 1)
    place = next(row for row in answer["findings"] if row["rule"] == "date")
    assert (place["line"], place["expression"], place["severity"]) == (3, "Patient.birthDate", "error")
    assert lines.read_bytes()[place["offset"] :][: place["length"]] == b'"2026-02-30"'
    (tmp_path / "empty.json").write_text("")
    code, answer = call(tmp_path)
    assert (code, answer["files"], answer["refused"]) == (4, 3, 2)


def test_counts_hold_what_the_list_leaves_out(tmp_path: Path) -> None:
    """`--most` shortens the list and nothing else."""
    (tmp_path / "many.ndjson").write_text(f"{BAD}\n" * 50)
    code, answer = call(tmp_path, "--most", "10")
    assert code == 4
    assert len(answer["findings"]) == 10
    assert answer["errors"] == 100
    assert answer["left_out"] == answer["errors"] + answer["warnings"] - 10
