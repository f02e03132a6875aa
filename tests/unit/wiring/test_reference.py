"""The reference pages fail the build when they are behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from trivet.wiring import settings


def test_every_setting_is_documented(root: Path) -> None:
    """Each key that `trivet.toml` may hold stands in docs/reference/settings.md."""
    page = (root / "docs/reference/settings.md").read_text()
    keys = [key for table in settings.TABLES.values() for key in table] + list(settings.SOURCE)
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_every_view_is_documented(root: Path) -> None:
    """docs/reference/views.md is what scripts/views_page makes of the statements."""
    done = subprocess.run([sys.executable, root / "scripts/views_page", "--check"], check=False)
    assert done.returncode == 0, "run scripts/views_page"
