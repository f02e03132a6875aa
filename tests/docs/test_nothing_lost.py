"""The page that names eleven rules names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_rule_is_held_by_tests_that_exist(root: Path) -> None:
    """Eleven rules in order, each with at least one test, and each test named is defined in the file named."""
    page = (root / "docs/explanation/nothing-lost.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*?\| (.*) \|$", page, re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 12))
    for number, held in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", held)
        assert named, f"rule {number} names no test"
        for file, test in named:
            assert f"def {test}(" in (root / file).read_text(), f"rule {number}: {file}::{test}"
