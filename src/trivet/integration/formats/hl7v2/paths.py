"""Where a mapped value goes: element paths of the tables, read once, then followed without parsing.

birthDate                          one value; a second, different one does not replace it
name[]                             appended, once per repetition of the source
participant[att].type[].text       `[label]`: rows of one segment with the same label and repetition share the list element
extension{patient-religion}.valueCodeableConcept    an extension by its name in `extensions.csv`; the url is set with it
_birthDate.extension{patient-birthTime}.valueDateTime
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trivet.integration.overlay import per_overlay
from trivet.integration.tables import table
from trivet.kernel.errors import Fault

__all__ = ["Labels", "Target", "fits"]

Labels = dict[tuple[str, str, int], int]
_STEP = re.compile(r"(_?[A-Za-z][A-Za-z0-9]*)(?:\[([A-Za-z0-9]*)\]|\{([A-Za-z0-9._\-]+)\})?(?:\.|\Z)")


def _steps(text: str) -> list[tuple[str, str | None, str]]:
    """(key, label, extension url): label None for a single element, "" to append."""
    steps, at = [], 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise Fault("E212", "a target path in a mapping table cannot be read", where=text, why=f"at character {at + 1}")
        key, label, name = found.groups()
        url = _url(name) if name else ""
        steps.append((key, label if not url else f"{{{name}}}", url))
        at = found.end()
    return steps


def _url(name: str) -> str:
    for row in table("hl7v2/extensions.csv", "name", "url", "once"):
        if row["name"] == name:
            return row["url"]
    raise Fault("E212", "an extension is not in extensions.csv", where=name)


@per_overlay
def _once() -> frozenset[str]:
    """Extensions that stand once, however often the source repeats."""
    return frozenset(row["url"] for row in table("hl7v2/extensions.csv", "name", "url", "once") if row["once"])


def fits(node: Any, key: Any, value: Any) -> bool:
    """Whether a value stands at a place now: put there, the same already, or parts of one structure that do not disagree."""
    have = node.get(key) if isinstance(node, dict) else node[key]
    if have is None:
        node[key] = value
        return True
    if have == value:
        return True
    if not isinstance(have, dict) or not isinstance(value, dict) or any(have.get(name, part) != part for name, part in value.items()):
        return False
    have.update(value)
    return True


class Target:
    """One target path. `path` says where a value will stand, `put` puts it there; both look at the labels given out so far."""

    __slots__ = ("beside", "fixed", "head", "many", "path", "put", "steps", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = _steps(text)
        self.many = any(label is not None for _, label, _ in self.steps)
        self.fixed = not self.many
        first, label, url = self.steps[0]
        self.head = f"{first}[{label}]" if label and not url else ""
        self.beside = f"_{text}" if self.fixed and len(self.steps) == 1 else ""
        self.path: Callable[[dict[str, Any], Labels, int], str] = self._path
        self.put: Callable[[dict[str, Any], Labels, int, Any], str] = self._put
        if len(self.steps) == 1:
            self._shortcut(*self.steps[0])
        elif len(self.steps) == 2 and self.steps[0][1] and not self.steps[0][2] and self.steps[1][1] is None:
            self._labelled(self.steps[0][0], self.steps[0][1], self.steps[1][0])
        elif self.fixed:
            self.path = lambda node, labels, repetition: text

    @property
    def last(self) -> Target:
        """The last step alone."""
        key, label, _ = self.steps[-1]
        return Target(key if label is None else f"{key}[{label}]" if not label.startswith("{") else f"{key}{label}")

    def _shortcut(self, key: str, label: str | None, url: str) -> None:
        """One-step paths, which most are."""
        if label is None:

            def put(node: dict[str, Any], labels: Labels, repetition: int, value: Any) -> str:
                return key if fits(node, key, value) else ""

            self.path, self.put = (lambda node, labels, repetition: key), put
        elif label == "":

            def append(node: dict[str, Any], labels: Labels, repetition: int, value: Any) -> str:
                items = node.setdefault(key, [])
                if value in items:
                    return f"{key}[{items.index(value)}]"
                items.append(value)
                return f"{key}[{len(items) - 1}]"

            self.path = lambda node, labels, repetition: f"{key}[{len(node[key]) if key in node else 0}]"
            self.put = append
        elif not url:
            self._element(key, label)

    def _element(self, key: str, label: str) -> None:
        """`identifier[plac]`: a list element that several rows share."""
        place = f".{key}"
        first = (place, label, 0)

        def path(node: dict[str, Any], labels: Labels, repetition: int) -> str:
            index = labels.get((place, label, repetition) if repetition else first)
            return f"{key}[{index if index is not None else len(node.get(key, ()))}]"

        def put(node: dict[str, Any], labels: Labels, repetition: int, value: Any) -> str:
            items = node.get(key)
            if items is None:
                items = node[key] = []
            name = (place, label, repetition) if repetition else first
            index = labels.get(name)
            if index is None:
                index = labels[name] = len(items)
                items.append(value)
            elif not fits(items, index, value):
                return ""
            return f"{key}[{index}]"

        self.path, self.put = path, put

    def _labelled(self, key: str, label: str, last: str) -> None:
        """`coding[1].code`: the part of a list element that several rows share."""
        first = (f".{key}", label, 0)

        def put(node: dict[str, Any], labels: Labels, repetition: int, value: Any) -> str:
            items = node.get(key)
            if items is None:
                items = node[key] = []
            name = (first[0], label, repetition) if repetition else first
            index = labels.get(name)
            if index is None:
                index = labels[name] = len(items)
                items.append({last: value})
            elif not fits(items[index], last, value):
                return ""
            return f"{key}[{index}].{last}"

        def path(node: dict[str, Any], labels: Labels, repetition: int) -> str:
            index = labels.get((first[0], label, repetition) if repetition else first)
            return f"{key}[{index if index is not None else len(node.get(key, ()))}].{last}"

        self.path, self.put = path, put

    def _path(self, node: dict[str, Any], labels: Labels, repetition: int) -> str:
        out, here, prefix = [], node, ""
        for key, label, url in self.steps:
            found = here.get(key)
            if label is None:
                out.append(key)
                here = found if isinstance(found, dict) else {}
                prefix = f"{prefix}.{key}"
                continue
            count = len(found) if found else 0
            index = labels.get((f"{prefix}.{key}", label, 0 if url in _once() else repetition), count) if label else count
            out.append(f"{key}[{index}]")
            here = found[index] if found and index < count and isinstance(found[index], dict) else {}
            prefix = f"{prefix}.{key}[{index}]"
        return ".".join(out)

    def _put(self, node: dict[str, Any], labels: Labels, repetition: int, value: Any) -> str:
        """The path at which the value stands now, "" when another value is there already."""
        out, here, prefix, last = [], node, "", len(self.steps) - 1
        for rank, (key, label, url) in enumerate(self.steps):
            if label is None:
                out.append(key)
                if rank == last:
                    return ".".join(out) if fits(here, key, value) else ""
                here = here.setdefault(key, {})
                prefix = f"{prefix}.{key}"
                continue
            items = here.setdefault(key, [])
            if rank == last and label == "" and not url and value in items:  # said already: as the generated code has it
                return ".".join([*out, f"{key}[{items.index(value)}]"])
            name = (f"{prefix}.{key}", label, 0 if url in _once() else repetition)
            index = labels.get(name, len(items)) if label else len(items)
            if index == len(items):
                items.append({"url": url, **(value if rank == last else {})} if url else value if rank == last else {})
            elif rank == last and not fits(items, index, value):
                return ""
            if label:
                labels[name] = index
            out.append(f"{key}[{index}]")
            here = items[index]
            prefix = f"{prefix}.{key}[{index}]"
        return ".".join(out)
