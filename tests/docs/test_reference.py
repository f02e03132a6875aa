"""What the reference says is what the source says: commands, errors, exit codes."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from trivet.cli.main import COMMANDS
from trivet.kernel import errors


@pytest.fixture(scope="module")
def script(root: Path) -> dict[str, Any]:
    """The names of scripts/reference.py."""
    return runpy.run_path(str(root / "scripts/reference.py"))


def test_commands_and_errors_are_up_to_date(root: Path) -> None:
    """docs/reference/commands.md and errors.md are what scripts/reference.py makes, whatever the terminal's width."""
    for width in ("60", "200"):
        done = subprocess.run(
            [sys.executable, root / "scripts/reference.py", "--check"],
            env={**os.environ, "COLUMNS": width},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"run scripts/reference.py ({done.stderr.strip()})"


def test_every_code_in_the_source_is_listed_once(root: Path) -> None:
    """However a code is raised, it stands in errors.md, once."""
    used = {code for path in (root / "src").rglob("*.py") for code in re.findall(r'"(E\d{3})"', path.read_text())}
    listed = re.findall(r"^\| (E\d{3}) \|", (root / "docs/reference/errors.md").read_text(), re.M)
    assert len(used) > 100
    assert used - set(listed) == set()
    assert len(listed) == len(set(listed))


def test_every_command_has_two_examples_and_json(script: dict[str, Any]) -> None:
    """Help of every command that does something shows two calls of itself, and it takes --json; a bare `view` names its one command."""
    names = []
    for name, command, context in script["every"]():
        names.append(name)
        page = command.get_help(context)
        calls = [line for line in page.splitlines() if line.strip().startswith(f"trivet {name.split()[0]}")]
        assert len(calls) >= 2, name
        if not isinstance(command, click.Group):
            assert any("--json" in option.opts for option in command.params), name
    assert set(COMMANDS) == {name for name in names if " " not in name}


def test_exit_codes_are_all_told(root: Path) -> None:
    """Every exit code that an error of the kernel gives stands in exit-codes.md."""
    page = (root / "docs/reference/exit-codes.md").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Problem)]
    codes = {kind.exit for kind in kinds} | {0}
    assert codes == set(range(8))
    assert {code for code in codes if f"| {code} |" not in page} == set()


def test_links_between_pages_lead_somewhere(root: Path) -> None:
    """No link from a page of ours to a file that is not there."""
    broken = []
    for page in [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "benchmarks").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(root)}: {target}")
    assert broken == []
