"""What FHIR R4 forbids in a finished record although the message said it: the last touch, with the rule of R4 that asks for it.

Nothing is invented: an element that R4 requires and the message lacks is said to be unknown (extension data-absent-reason), a word
that R4 does not admit at its place is dropped by the name of the rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.lineage import Items, spans_of
from trivet.integration.formats.hl7v2.work import Builder, Work

__all__ = ["SETTLED", "settle"]

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_OPEN = frozenset(("proposed", "cancelled", "waitlist"))


def _unknown(builder: Builder, name: str, rule: str) -> None:
    """Say that an element is unknown; behind it stands what names the record."""
    leaf = builder.leaf
    if leaf is None:
        return
    builder.resource[f"_{name}"] = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    builder.spans.append(Span(f"_{name}.extension[0].valueCode", leaf[0], leaf[1], leaf[2], f"settle/{rule}"))


def _organization(work: Work, builder: Builder) -> None:
    """org-2, org-3: no home of an organization."""
    for name, rule in (("address", "org-2"), ("telecom", "org-3")):
        items: list[dict[str, Any]] = builder.resource.get(name, [])
        for index, item in enumerate(items):
            if item.get("use") == "home":
                del item["use"]
                path = f"{name}[{index}].use"
                builder.spans = Items(spans_of(builder.spans))
                for span in [span for span in spans_of(builder.spans) if span.path == path]:
                    builder.spans.remove(span)
                    work.settle_marks()
                    work.dropped.setdefault(span.offset, rule)


def _appointment(work: Work, builder: Builder) -> None:
    """app-2, app-3: start and end together, and both of what is booked."""
    have = builder.resource
    ends = [name for name in ("start", "end") if name in have]
    if len(ends) == 1 or (not ends and have.get("status") not in _OPEN):
        for name in ("start", "end"):
            if name not in have:
                _unknown(builder, name, "app-3")


def _provenance(work: Work, builder: Builder) -> None:
    """R4 asks when it was recorded; a day is no instant."""
    if "recorded" not in builder.resource and "_recorded" not in builder.resource:
        _unknown(builder, "recorded", "Provenance.recorded")


_RULES: dict[str, Callable[[Work, Builder], None]] = {
    "Organization": _organization,
    "Appointment": _appointment,
    "Provenance": _provenance,
}

SETTLED = frozenset(_RULES)
"""The types that a rule speaks of."""


def settle(work: Work, builder: Builder) -> None:
    """Put one finished record right."""
    rule = _RULES.get(builder.type)
    if rule is not None:
        rule(work, builder)
