"""Which column of a table holds what: by its header (`maps/identity/columns.csv`), or as `--map FIELD=COLUMN` says.

In, headers of any hand: words in any case and order, written together, with whose column it is, in several languages. Out, field -> header.
Identifiers of rows, labels of clusters and everything else that nobody named are left alone: they say nothing about who somebody is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache

from trivet.data.identity.words import plain
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["kinds", "recognised", "told"]

WORD = re.compile(r"[^a-z0-9]+")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
OWNER = re.compile(r"^(?:patient|patients|pat|pt|person|client|member|subject|customer|beneficiary|bene|enrollee|legal|current)_+")
SIDE = re.compile(r"_+(?:l|r|a|b|x|y|left|right|text|txt|value|std|clean|orig)$")


@cache
def kinds() -> dict[str, str]:
    """Field -> kind of everything that can be compared."""
    return {row["field"]: row["kind"] for row in _table()}


@cache
def _table() -> list[dict[str, str]]:
    return list(csv.DictReader(text("trivet.maps", "identity", "columns.csv").splitlines()))


def recognised(headers: Sequence[str], mapped: Mapping[str, str]) -> dict[str, str]:
    """Field -> header. `mapped` wins over recognition. Usage for a field that nobody knows or a header that is not there."""
    found: dict[str, str] = {}
    for spelt in (_spelt, _squeezed, _bare):  # as the table has it first, then written together, then without whose it is
        known = {spelt(header): header for header in reversed(headers)}
        for row in _table():
            for name in () if row["field"] in found else row["headers"].split():
                held = known.get(name if spelt is _spelt else name.replace("_", ""))
                if held is not None and held not in found.values():
                    found[row["field"]] = held
                    break
    if "given" in found and "family" not in found and _bare(found.get("name", "")) == "name":
        found["family"] = found.pop("name")  # beside a given name, `name` is the rest of it
    for field, header in mapped.items():
        if field not in kinds():
            raise Usage("E295", f"no field named {field}", why="fields: " + ", ".join(kinds()), help="--map family=LAST_NAME")
        if header not in headers:
            raise Usage("E296", f"no column named {header}", why=told(headers, found), help=f"--map {field}=COLUMN")
        if list(mapped.values()).count(header) > 1:
            raise Usage("E296", f"two fields are to stand in the column {header}", help=f"--map {field}=ANOTHER_COLUMN")
        found = {name: held for name, held in found.items() if held != header}
        found[field] = header
    return found


def _spelt(header: str) -> str:
    """A header in small letters, its words joined by `_`."""
    return WORD.sub("_", plain(HUMP.sub(" ", header).replace(".", " ")).lower()).strip("_")


def _squeezed(header: str) -> str:
    """The same written together."""
    return _spelt(header).replace("_", "")


def _bare(header: str) -> str:
    """The same without whose column it is: `PAT_LNAME`, `first_name_l`."""
    return SIDE.sub("", OWNER.sub("", _spelt(header))).replace("_", "")


def told(headers: Sequence[str], found: Mapping[str, str]) -> str:
    """The columns of a table; not where none is known, for then the first line may be a person."""
    if not headers:
        return "the file is empty"
    return "columns: " + ", ".join(headers) if found else f"none of the {len(headers)} columns of the first line is known: is it a header?"
