"""Libraries that others load only because they are there: pyarrow asks for pandas with its first array, pydicom for numpy, and neither
is used. Loading them takes up to a second of processor time and forty megabytes.

In: names of packages. What is loaded meanwhile is told that they are not installed, which these libraries are made for. A package that
somebody has loaded already stays; afterwards everything can be loaded as before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["without"]


class _Absent(MetaPathFinder):
    """Finds none of these packages, and keeps those behind it from finding them."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


@contextmanager
def without(*names: str) -> Iterator[None]:
    """For the time of the block these packages are not to be had by anybody in this process who has not got them."""
    absent = _Absent(frozenset(names))
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
