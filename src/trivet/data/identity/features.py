"""What of a Patient record is compared: names, birth date, sex, identifiers, contacts, in plain form. In, a resource; out, `Features`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from trivet.data.identity import words
from trivet.kernel.resources import text

__all__ = ["EMPTY", "Features", "Name", "features", "joined"]

SSN = ("http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1")


class Name(NamedTuple):
    """One name in plain form; parts may be empty."""

    family: str
    given: str
    middle: str
    suffix: str


class Features(NamedTuple):
    """One record as it is compared. `persons` are identifiers that one person has alone (`system|value`), `members` such that
    families may share. `test` says that the name is a test patient's. `birth_order` tells twins apart when it is known."""

    names: tuple[Name, ...]
    birth: str
    sex: str
    persons: tuple[str, ...]
    members: tuple[str, ...]
    telephones: tuple[str, ...]
    addresses: tuple[str, ...]
    mails: tuple[str, ...]
    birth_order: int
    test: bool


EMPTY = Features((), "", "", (), (), (), (), (), 0, False)


@cache
def _uses() -> dict[str, str]:
    rows = csv.DictReader(text("trivet.maps", "identity", "identifiers.csv").splitlines())
    return {row["type"]: row["use"] for row in rows}


def features(resource: dict[str, Any], most: int) -> Features:
    """The comparable part of a Patient resource; lists hold at most `most` values."""
    names, test = _names(resource, most)
    persons, members = _identifiers(resource, most)
    order = resource.get("multipleBirthInteger")
    return Features(
        names=names,
        birth=words.birth(_text(resource.get("birthDate"))),
        sex=resource["gender"] if resource.get("gender") in ("male", "female", "other") else "",
        persons=persons,
        members=members,
        telephones=_first(most, (words.telephone(value) for kind, value in _contacts(resource) if kind in ("phone", "sms", "fax", ""))),
        addresses=_first(most, _addresses(resource)),
        mails=_first(most, (words.mail(value) for kind, value in _contacts(resource) if kind in ("email", ""))),
        birth_order=order if isinstance(order, int) else 0,
        test=test,
    )


def joined(old: Features, new: Features, most: int) -> Features:
    """What is known of a record after an update: the newest first, the former kept, nothing forgotten by silence."""
    return Features(
        names=_first(most, (*new.names, *old.names)),
        birth=new.birth or old.birth,
        sex=new.sex or old.sex,
        persons=_first(most * 2, (*new.persons, *old.persons)),
        members=_first(most * 2, (*new.members, *old.members)),
        telephones=_first(most, (*new.telephones, *old.telephones)),
        addresses=_first(most, (*new.addresses, *old.addresses)),
        mails=_first(most, (*new.mails, *old.mails)),
        birth_order=new.birth_order or old.birth_order,
        test=new.test or old.test,
    )


def _first(most: int, values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in values if value))[:most]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _names(resource: dict[str, Any], most: int) -> tuple[tuple[Name, ...], bool]:
    found, test = list[Name](), False
    for held in _dicts(resource.get("name")):
        raw = _text(held.get("family"))
        parts = [_text(part) for part in held["given"]] if isinstance(held.get("given"), list) else []
        if not raw and not parts and _text(held.get("text")):
            *parts, raw = _text(held["text"]).split() or [""]
        suffixes = [_text(part) for part in held["suffix"]] if isinstance(held.get("suffix"), list) else []
        generation = next((kind for part in (*suffixes, raw) if (kind := words.suffix(part))), "")
        given = words.name(parts[0]) if parts else ""
        middle = words.name(parts[1]) if len(parts) > 1 else ""
        if not middle and " " in given:
            given, _, middle = given.partition(" ")
        test = test or any(words.is_test(words.plain(part).replace(" ", "")) for part in (raw, *parts))
        one = Name(words.name(raw), given, middle, generation)
        if one.family or one.given:
            found.append(one)
    return _first(most, found), test


def _identifiers(resource: dict[str, Any], most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    persons, members = list[str](), list[str]()
    for held in _dicts(resource.get("identifier")):
        value = words.identifier(_text(held.get("value")))
        system = _text(held.get("system"))
        if not value or not system:
            continue
        use = _use(held, system)
        if use == "person":
            persons.append(f"{system}|{value}")
        elif use == "member":
            members.append(f"{system}|{value}")
    return _first(most * 2, persons), _first(most * 2, members)


def _use(held: dict[str, Any], system: str) -> str:
    """What an identifier is good for. Without a known type: a person's own, in its authority."""
    if system in SSN:
        return "person"
    kind = held.get("type")
    for coding in _dicts(kind.get("coding") if isinstance(kind, dict) else None):
        use = _uses().get(_text(coding.get("code")))
        if use:
            return use
    return "person"


def _contacts(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(_text(held.get("system")), _text(held.get("value"))) for held in _dicts(resource.get("telecom"))]


def _addresses(resource: dict[str, Any]) -> Iterator[str]:
    for held in _dicts(resource.get("address")):
        lines: Sequence[Any] = held["line"] if isinstance(held.get("line"), list) else ()
        street = " ".join(_text(line) for line in lines[:1])
        yield words.address(street, _text(held.get("postalCode")) or _text(held.get("city")))
