"""ICD-10-CM as it is published each year: the order file, one code on a line, headings above what they are made of.

In: the file, or the folder that it lies in (`icd10cm-order-2026.txt`, `icd10cm_order_2026.txt`), and the release where the name does not
say its year. Out: items. Columns (counted from 1): order number 1 to 5, code without its dot 7 to 13, 0 for a heading or 1 for a code that
may be billed 15, short title 17 to 76, long title from 78. A line of another shape is refused with file and line number.
Source: CMS, ICD-10-CM order file, layout description that is published beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trivet.data.vocabulary.items import Edge, Edition, Entry, Item, Property, Term
from trivet.data.vocabulary.layouts import found
from trivet.data.vocabulary.shipped import ICD10CM
from trivet.kernel.errors import Usage

__all__ = ["orderfile"]

NAME = re.compile(r"icd10cm[-_]order[-_](\d{4}).*\.txt", re.IGNORECASE)
LINE = re.compile(r"\d{5} (?=[^ ]+ +[01] )([A-Z][0-9][0-9A-Z][0-9A-Z ]{4}) ([01]) (.{60}) (\S.*)")


def orderfile(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """Codes with both titles, what each stands under, and whether it may be billed. Usage when nothing says which year this is."""
    lists = found(folder, r"icd10cm[-_]order[-_].*\.txt")
    if len(lists) > 1:
        names = ", ".join(path.name for path in lists)
        raise Usage("E383", "which release is this?", where=names, why="more than one order file", help="name one of the files")
    named = NAME.fullmatch(lists[0].name)
    year = release or (named[1] if named else "")
    if not year:
        raise Usage("E383", "which release is this?", where=lists[0].name, help="--release 2026")

    def items() -> Iterator[Item]:
        yield Edition(ICD10CM, year, "ICD-10-CM", sensitive=False)
        above = list[str]()
        for packed, billable, short, title in _lines(lists[0]):
            code = _dotted(packed)
            yield Entry(ICD10CM, code, title)
            yield Property(ICD10CM, code, "billable", "true" if billable else "false")
            if short != title:
                yield Term(ICD10CM, code, short, "short")
            while above and not packed.startswith(above[-1]):
                above.pop()
            if above:
                yield Edge(ICD10CM, code, _dotted(above[-1]))
            above.append(packed)

    return lists, items()


def _lines(path: Path) -> Iterator[tuple[str, bool, str, str]]:
    """Code without its dot, whether it may be billed, short and long title."""
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            line = LINE.fullmatch(_text(raw.removeprefix(b"\xef\xbb\xbf").rstrip()))
            if line is None:
                why = "order number, code, 0 or 1, two titles"
                raise Usage("E382", "a line does not fit its layout", where=f"{path}:{number}", why=why)
            yield line[1].rstrip(), line[2] == "1", line[3].rstrip(), line[4]


def _dotted(packed: str) -> str:
    return packed if len(packed) == 3 else f"{packed[:3]}.{packed[3:]}"


def _text(raw: bytes) -> str:
    """Letters of either kind that the file has come in over the years."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
