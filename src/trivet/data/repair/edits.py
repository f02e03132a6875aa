"""Edits of a record. In, a resource and edits; out, another resource, the first untouched. Refused (E361): an element that is no longer
what the proposal saw."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from trivet.contracts.repair import TAG, Edit
from trivet.kernel.errors import Refused

__all__ = ["edited"]

STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(\d+)\])?(?:\.|$)")


def edited(resource: Mapping[str, Any], edits: Sequence[Edit], repair: str) -> dict[str, Any]:
    """The resource with its elements changed and a tag that names the repair."""
    made: dict[str, Any] = deepcopy(dict(resource))
    for edit in edits:
        steps = [(name, int(place)) if place else (name, None) for name, place in STEP.findall(edit.path)]
        holder: Any = made
        for name, place in steps[:-1]:
            holder = holder.get(name) if isinstance(holder, dict) else None
            if place is not None:
                holder = holder[place] if isinstance(holder, list) and place < len(holder) else None
        name = steps[-1][0]
        if not isinstance(holder, dict) or holder.get(name) != edit.before:
            raise Refused("E361", "the record is no longer what the proposal saw", where=edit.path, help="trivet repair find")
        if edit.after is None:
            holder.pop(name, None)
        else:
            holder[name] = edit.after
    meta = made.setdefault("meta", {})
    meta["tag"] = [*meta.get("tag", []), {"system": TAG, "code": repair}]
    return made
