"""Files and folders: all of them, in one order, hidden and half-written ones left alone and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.integration.inbound.folder import find, read
from trivet.kernel.errors import Fault, NotFound


def test_a_folder_is_walked_in_name_order(tmp_path: Path) -> None:
    """The order does not depend on the file system; what is hidden or unfinished is counted, not taken."""
    for name in ("b/2.hl7", "b/1.hl7", "a.hl7", ".hidden", "c.hl7.part", "d.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = find([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == ["a.hl7", "b/1.hl7", "b/2.hl7"]
    assert found.passed_over == 3


def test_a_file_that_is_named_is_taken_whatever_its_name(tmp_path: Path) -> None:
    """Somebody who names a hidden file means it."""
    (tmp_path / ".hidden").write_bytes(b"x")
    assert read(find([tmp_path / ".hidden"]).files[0]) == b"x"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A path that is not there, and a file that cannot be read, are errors and not an empty list."""
    with pytest.raises(NotFound):
        find([tmp_path / "nowhere"])
    with pytest.raises(Fault):
        read(tmp_path)
