"""A Bundle without what the quick way has answered for: the walk sees the Bundle, its entries, and stubs in place of their resources.

In: the text. Out: `Shallow`, or None where the Bundle must be walked whole: documents and messages, whose entries are held together by
their references, and whatever is not of the form expected. An entry without a fullUrl is never a stub: relative references in it are
a breach.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.json import Decoder

from trivet.integration.validation.finding import Place
from trivet.integration.validation.swift.element import Rows
from trivet.kernel import jsontext

__all__ = ["Shallow", "shallow"]

WHOLE = (b'"document"', b'"message"')
TOLD = re.compile(rb'"resourceType"\s*:\s*"Bundle"')
members = Decoder(dict[str, Raw]).decode
items = Decoder(list[Raw]).decode


class Version(msgspec.Struct):
    """What a Bundle asks of its resources' meta."""

    versionId: str = ""  # noqa: N815  the name in the text


class Head(msgspec.Struct):
    """What a Bundle asks of its resources."""

    id: str = ""
    meta: Version | None = None


head = Decoder(Head).decode


@dataclass(slots=True)
class Shallow:
    """`value` to walk; `judged`: stubs by identity; `answers`: their places and findings; `texts`: their bytes."""

    value: dict[str, Any] = field(default_factory=dict)
    judged: set[int] = field(default_factory=set)
    answers: list[tuple[Place, Rows]] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)


def shallow(raw: bytes, judge: Callable[[bytes], Rows | None]) -> Shallow | None:
    """The Bundle with stubs; None where that does not help."""
    if not TOLD.search(raw):
        return None
    try:
        outer = members(raw)
        if "entry" not in outer or bytes(outer.get("resourceType", b"")) != b'"Bundle"' or bytes(outer.get("type", b"")) in WHOLE:
            return None
        made = Shallow()
        for name, held in outer.items():
            made.value[name] = [] if name == "entry" else jsontext.loads(bytes(held))
        for number, entry in enumerate(items(outer["entry"])):
            made.value["entry"].append(_entry(made, members(entry), number, judge))
    except (ValueError, RecursionError):
        return None
    return made if made.texts else None


def _entry(made: Shallow, entry: dict[str, Raw], number: int, judge: Callable[[bytes], Rows | None]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, held in entry.items():
        text = bytes(held)
        found = judge(text) if name == "resource" and "fullUrl" in entry else None
        if found is None:
            out[name] = jsontext.loads(text)
            continue
        told = head(text)
        stub: dict[str, Any] = {"resourceType": found.root}
        stub |= {"id": told.id} if told.id else {}
        stub |= {"meta": {"versionId": told.meta.versionId}} if told.meta and told.meta.versionId else {}
        stub |= {"contained": [{"resourceType": kind} for kind in found.kinds.values()]} if found.kinds else {}
        out[name] = stub
        made.judged.add(id(stub))
        made.answers.append((((((), "entry"), number), "resource"), found))
        made.texts.append(text)
    return out
