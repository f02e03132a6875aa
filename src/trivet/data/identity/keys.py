"""Which records are compared at all: keys that two records of one person are likely to share. In, `Features`; out, 63-bit numbers.

Each rule survives another kind of error: a wrong digit in the birth date, a new surname, exchanged names, a misspelt given name.
A key made of a placeholder is never made. The keys reveal nothing by themselves, but they are not secret either.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from zlib import crc32

from trivet.data.identity.features import Features
from trivet.data.identity.words import soundex

__all__ = ["DAYS", "MARKS", "NAMELESS", "SEVERAL", "SPACED", "UNKNOWN", "brief", "contact_keys", "keys", "mark"]

UNKNOWN = -1  # the brief of a record that has none
DAYS, MARKS = 10**8, 1 << 15  # a brief is YYYYMMDD + DAYS * (family name's mark + MARKS * (given name's mark + MARKS * flags))
SEVERAL, SPACED, NAMELESS = 1, 2, 4  # flags: more than one name, a family name of several words, no name at all


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1


def keys(known: Features) -> dict[int, str]:
    """Key -> the rule behind it."""
    return {_number(f"{rule}\x1f{value}"): rule for rule, value in _rules(known)}


def mark(name: str) -> int:
    """A small number that the same names share, and seldom others."""
    return crc32(name.encode()) % MARKS


def brief(known: Features) -> int:
    """What of a record stands beside its keys: the date of birth, and marks of the name."""
    born = int(known.birth.replace("-", "")) if known.birth else 0
    if not known.names:
        return born + DAYS * MARKS * MARKS * NAMELESS
    one = known.names[0]
    flags = SEVERAL * (len(known.names) > 1) + SPACED * (" " in one.family)
    return born + DAYS * (mark(one.family) + MARKS * (mark(one.given) + MARKS * flags))


def contact_keys(known: Features) -> dict[str, int]:
    """Telephones, addresses and mail addresses with their keys: how many persons stand behind one tells whether it is shared."""
    found = {value: ("telephone", value) for value in known.telephones} | {value: ("mail", value) for value in known.mails}
    found |= {value: ("address", value) for value in known.addresses}
    return {value: _number(f"{rule}\x1f{text}") for value, (rule, text) in found.items()}


def _rules(known: Features) -> Iterator[tuple[str, str]]:
    for value in known.persons:
        yield "identifier", value
    for value in known.members:
        yield "member", value
    for value in known.telephones:
        yield "telephone", value
    for value in known.mails:
        yield "mail", value
    for value in known.addresses:
        yield "address", value
    born = known.birth
    for name in known.names:
        family, given = soundex(name.family) if name.family else "", soundex(name.given) if name.given else ""
        if family and given:
            yield "names", "|".join(sorted((family, given)))
        if born:
            if family:
                yield "family+birth", f"{family}|{born}"
                yield "family+birth-parts", f"{family}|{born[:4]}{min(born[5:7], born[8:])}{max(born[5:7], born[8:])}"
            if given:
                yield "given+birth", f"{given}|{born}"
        if not born and family and not given:
            yield "family", family
