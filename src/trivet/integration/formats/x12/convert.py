"""How a value is written down: the `as` column of the mapping tables.

In: the text of an element, the record and path it goes to. Out: the paths where it stands now. A value that is wrong raises `Doubt`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.x12 import values
from trivet.integration.formats.x12.rules import Cells, Rule, code_map
from trivet.integration.formats.x12.slots import Scope, Slot
from trivet.integration.formats.x12.values import Doubt

__all__ = ["CONVERTERS", "SELECTOR", "Desk"]

SELECTOR = "x12/selector"
CURRENCY = "USD"  # 820, 835, 837 and 834 are in US dollars unless CUR says otherwise, and then they are refused
SYSTEMS = {
    "v2type": "http://terminology.hl7.org/CodeSystem/v2-0203",
    "covclass": "http://terminology.hl7.org/CodeSystem/coverage-class",
    "adjudication": "http://terminology.hl7.org/CodeSystem/adjudication",
    "ownadjudication": "urn:trivet:x12:adjudication",
    "info": "urn:trivet:x12:info",
    "amount": "https://codesystem.x12.org/005010/522",
    "quantity": "https://codesystem.x12.org/005010/673",
    "modifier": "http://www.ama-assn.org/go/cpt",
    "reftype": "https://codesystem.x12.org/005010/128",
    "datetype": "https://codesystem.x12.org/005010/374",
}


class Desk:
    """What a converter sees: the feed's profile, the segment's cells, what became of each, and what labels mean here."""

    profile: SourceProfile
    scope: Scope
    cells: Cells
    fate: dict[int, tuple[str, str]]

    def base(self, word: str) -> str:
        """A system URI of the feed's own."""
        return f"{self.profile.base}/{word}"

    def other(self, rule: Rule, begin: int, because: str) -> str:
        """The text of the other cell that a row reads; it took part in the value."""
        if rule.other is None:
            return ""
        key = rule.other.at(begin)
        self.fate.setdefault(key, ("dropped", because))
        found = self.cells.get(key)
        return found[1] if found is not None else ""


Converter = Callable[[Desk, Rule, Slot, str, int], list[str]]


def _put(desk: Desk, slot: Slot, path: str, value: Any) -> list[str]:
    return [slot.put(path, value, desk.scope)]


def _text(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    bare = text.strip()
    return _put(desk, slot, rule.path, bare) if bare else []


def _decimal(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    return _put(desk, slot, rule.path, values.number(text))


def _money(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    placed = _put(desk, slot, rule.path, values.number(text))
    slot.put(rule.path.removesuffix(".value") + ".currency", CURRENCY, desk.scope)
    return placed


def _int(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    return _put(desk, slot, rule.path, values.whole(text))


def _date(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    return _put(desk, slot, rule.path, values.date(text))


def _begin(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """A date or a moment; of a period its first day."""
    form = desk.other(rule, begin, SELECTOR)
    value = values.date_time(text, desk.profile.zone) if form == "DT" else values.parts(text)[0]
    return _put(desk, slot, rule.path, value)


def _moment(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """A date, with the time of another element where there is one."""
    clock = desk.other(rule, begin, rule.id)[:6]
    value = values.date_time(text + (clock if len(clock) in (4, 6) else ""), desk.profile.zone)
    return _put(desk, slot, rule.path, value)


def _period(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    desk.other(rule, begin, SELECTOR)
    first, last = values.parts(text)
    return _put(desk, slot, f"{rule.path}.start", first) + _put(desk, slot, f"{rule.path}.end", last)


def _choice(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """`timing` and `serviced`: a date or a period, by how it is written; a moment only where FHIR has room for one."""
    form = desk.other(rule, begin, SELECTOR)
    if "-" in text:
        first, last = values.parts(text)
        return _put(desk, slot, f"{rule.path}Period.start", first) + _put(desk, slot, f"{rule.path}Period.end", last)
    if form == "DT":
        return _put(desk, slot, f"{rule.path}Period.start", values.date_time(text, desk.profile.zone))
    if form == "TM":
        if not text.isdigit() or len(text) not in (4, 6) or int(text[:2]) > 23 or int(text[2:4]) > 59:
            raise Doubt("doubtful-date", "no such time")
        return _put(desk, slot, rule.path.removesuffix("timing") + "valueString", text)
    return _put(desk, slot, f"{rule.path}Date", values.date(text))


def _icd(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    system = code_map("icd", "system")[desk.other(rule, begin, SELECTOR)]
    return _put(desk, slot, rule.path, values.dotted(text, system))


def _hcpcs(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    slot.put(rule.path, values.procedure_system(text), desk.scope)
    return []


def _code(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """A code with the system that this way of writing it implies."""
    placed = slot.put(rule.path, text, desk.scope)
    node = placed.removesuffix(".code")
    _node(slot, node)["system"] = SYSTEMS[rule.how]
    return [placed]


def _node(slot: Slot, path: str) -> dict[str, Any]:
    node: Any = slot.resource
    for step in path.replace("[", ".").replace("]", "").split("."):
        node = node[int(step)] if step.isdigit() else node[step]
    return node  # type: ignore[no-any-return]


def _base(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    return _put(desk, slot, rule.path, desk.base(text))


def _idsystem(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    return _put(desk, slot, rule.path, desk.base(f"x12/{text.strip()}"))


def _intconst(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    return _put(desk, slot, rule.path, int(text))


def _map(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """A code by a table (`MAPS`). A code that the table lacks is noticed, never guessed."""
    known = code_map(*MAPS[rule.how])
    if text not in known:
        raise Doubt("unknown-code", "not in the table", f"x12/{MAPS[rule.how][0]}", text)
    value: Any = known[text]
    if not value:
        return []
    return _put(desk, slot, rule.path, int(value) if value.isdigit() and rule.path == "order" else value)


def _begins(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """The begin of a period, and its end where the text says one."""
    desk.other(rule, begin, SELECTOR)
    first, last = values.parts(text)
    placed = _put(desk, slot, f"{rule.path}.start", first)
    return placed + (_put(desk, slot, f"{rule.path}.end", last) if "-" in text else [])


def _yesno(desk: Desk, rule: Rule, slot: Slot, text: str, begin: int) -> list[str]:
    """Y and N; U (unknown) is not said."""
    if text not in ("Y", "N"):
        raise Doubt("unknown-code", "neither yes nor no", "x12/1073", text)
    return _put(desk, slot, rule.path, text == "Y")


MAPS = {
    "map:gender": ("gender", "value"),
    "map:icd:role": ("icd", "role"),
    "map:icd:system": ("icd", "system"),
    "map:nubc": ("nubc", "value"),
    "map:payer_order": ("payer_order", "value"),
    "map:phone_use": ("phone_use", "value"),
    "map:procedure:role": ("procedure", "role"),
    "map:procedure:system": ("procedure", "system"),
    "map:relationship": ("relationship", "value"),
    "map:unit": ("unit", "value"),
}
CONVERTERS: dict[str, Converter] = {
    "begin": _begins,
    "yesno": _yesno,
    "text": _text,
    "decimal": _decimal,
    "money": _money,
    "int": _int,
    "intconst": _intconst,
    "date": _date,
    "datep": _begin,
    "datetime": _moment,
    "period": _period,
    "timing": _choice,
    "serviced": _choice,
    "icd": _icd,
    "hcpcs": _hcpcs,
    "base": _base,
    "idsystem": _idsystem,
    **dict.fromkeys(MAPS, _map),
    **dict.fromkeys(SYSTEMS, _code),
}
