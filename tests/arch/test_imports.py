"""The import contracts hold, and each of them is shown to fail on a planted breach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BREACHES = {
    "a room imports a room": ("data/breach.py", "import trivet.models\n", "One way through the house"),
    "a flow imports a room": ("flows/breach.py", "import trivet.governance\n", "One way through the house"),
    "kernel imports contracts": ("kernel/breach.py", "import trivet.contracts\n", "One way through the house"),
    "contracts import a room": ("contracts/breach.py", "import trivet.integration\n", "One way through the house"),
    "production imports testing": ("data/breach.py", "import trivet.testing\n", "One way through the house"),
    "a room nobody planned": ("breach/__init__.py", "import trivet.kernel\n", "One way through the house"),
    "the command line enters a room": ("cli/breach.py", "import trivet.data\n", "A room is entered only through wiring"),
    "the console enters a room": ("console/breach.py", "import trivet.integration.formats\n", "A room is entered only through wiring"),
    "a cycle inside a room": ("kernel/breach.py", "import trivet.kernel.breach_too\n", "No cycles anywhere"),
}


def lint(root: Path, source: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of pyproject.toml over the package in `source`."""
    run = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", run, "--config", str(root / "pyproject.toml"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, cwd=source, env=environment, check=False)


def test_the_contracts_hold(root: Path) -> None:
    """The tree as it stands keeps every import contract."""
    done = lint(root, root / "src")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", BREACHES)
def test_a_planted_breach_is_reported(name: str, root: Path, tmp_path: Path) -> None:
    """Each contract fails, under its own name, when a file that breaks it is planted."""
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "*.csv", "*.onnx"))
    file, text, contract = BREACHES[name]
    planted = tmp_path / "src/trivet" / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text)
    if "breach_too" in text:
        (planted.parent / "breach_too.py").write_text("import trivet.kernel.breach\n")
    done = lint(root, tmp_path / "src")
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout or "breach" in done.stdout + done.stderr, done.stdout + done.stderr
