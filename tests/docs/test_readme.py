"""The commands that README.md and the tutorials print are run as printed, over one small demo home. A stale one fails here.

A fenced block without a language is a picture or a target of make; blocks marked `sh` are run, and so are README's blocks that call
`trivet`. `make` and the activation of the environment are left out: the test is already inside.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LEFT_OUT = ("make ", ". .venv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A working folder with the demo home where the pages expect it, and something that `FOLDER` can mean."""
    made = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "trivet.cli.main", "demo", "--home", "trivet-demo", "--patients", "150", "--no-serve", "--json"]
    subprocess.run(command, cwd=made, check=True, capture_output=True, timeout=900)
    return made


def blocks(page: Path) -> Iterator[str]:
    """The runnable blocks of a page."""
    for language, body in BLOCK.findall(page.read_text()):
        if language == "sh" or (not language and re.search(r"^trivet ", body, re.M)):
            yield body


def commands(page: Path) -> list[str]:
    """One command a line, without what is left out."""
    lines = [line.strip() for body in blocks(page) for line in body.splitlines()]
    return [line for line in lines if line and not line.startswith((*LEFT_OUT, "#"))]


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a reader would type it, with our interpreter first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "USER": "reader"}
    return subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


def run_page(page: Path, folder: Path, allowed: dict[str, tuple[int, ...]]) -> None:
    """Every command of a page, in order; `allowed` names commands by their first words that may end otherwise."""
    found = commands(page)
    assert len(found) > 5
    for command in found:
        done = shell(command, folder)
        codes = next((codes for start, codes in allowed.items() if command.startswith(start)), (0,))
        assert done.returncode in codes, f"{command}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
        assert "Traceback" not in done.stderr, command


def test_the_tutorials_run(folder: Path, root: Path) -> None:
    """Every command of every tutorial does what it did when it was written."""
    pages = sorted((root / "docs/tutorials").glob("*.md"))
    assert pages
    for page in pages:
        run_page(page, folder, {})


def test_the_readme_runs(folder: Path, root: Path) -> None:
    """Every command of the README works, in the order in which it stands there."""
    (folder / "FOLDER").mkdir()
    message = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260301||ADT^A01|M9|P|2.5\rPID|1||900^^^NORTH^MR||Example^Ann||1980|F\rPV1|1|I\r"
    (folder / "FOLDER/one.hl7").write_text(message)
    shell("rm -rf my-home looked-at", folder)
    run_page(root / "README.md", folder, {"trivet suspend": (0, 5)})
