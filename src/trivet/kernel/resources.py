"""Texts that ship inside the package: SQL statements and approved tables. Read once, kept."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["listing", "text"]


@cache
def text(package: str, *path: str) -> str:
    """The text of a shipped file: `text("trivet.data", "sql", "statements", "land.sql")`."""
    return files(package).joinpath(*path).read_text(encoding="utf-8")


@cache
def listing(package: str, folder: str, suffix: str = "") -> tuple[str, ...]:
    """Names of the files in a shipped folder, sorted."""
    return tuple(sorted(entry.name for entry in files(package).joinpath(*folder.split("/")).iterdir() if entry.name.endswith(suffix)))
