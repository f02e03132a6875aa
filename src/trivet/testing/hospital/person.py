"""Who somebody is, and how a registration desk writes it down.

A person is made from (seed, number) alone, so that person 7 is the same in a hospital of a hundred and of a million.
Households share an address and a telephone; twins share a birth date, a surname and an address besides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from trivet.testing.hospital.tables import Insurer, Tables

__all__ = ["LIMIT", "MAIN_SITE", "Person", "Registration", "make", "mrn_of", "number_of"]

INSURED = range(26, 56)  # the cast that carries planted faults: bills need somebody who pays
MAIN_SITE = range(26, 30)  # their blood goes to the laboratory whose analyser mixes up its units
_SPREAD = 4_499_989  # a prime: number -> identifier is one to one for that many persons
LIMIT = _SPREAD


@dataclass(frozen=True, slots=True)
class Registration:
    """One card at the registration desk: what a system believes about a person, under its medical record number."""

    mrn: str
    family: str
    given: str
    middle: str
    born: str
    sex: str
    street: str
    city: str
    zip: str
    phone: str


@dataclass(frozen=True, slots=True)
class Person:
    """The truth about one person; `card` is how the main registration desk has written it."""

    number: int
    key: str
    site: str
    nick: str
    card: Registration
    insurer: Insurer
    ehr: str
    member: str
    practice: str
    image: str
    account: str
    language: str
    twin: bool


def number_of(seed: int, number: int) -> int:
    """A number scattered over seven digits, one to one."""
    if number >= LIMIT:
        raise ValueError(f"at most {LIMIT} persons")
    return (number * 2_731_597 + seed * 7919) % _SPREAD


def mrn_of(seed: int, number: int, copy: int = 0) -> str:
    """Medical record number of a person; `copy` 1 is the number a second, mistaken registration got."""
    return f"{1_000_000 + copy * 4_500_000 + number_of(seed, number)}"


def _born(rng: Random, tables: Tables, start: date) -> str:
    spread = tables.parameters["population"]
    age = min(97.0, max(18.5, rng.gauss(spread["age_mean"], spread["age_sd"])))
    return (start - timedelta(days=int(age * 365.25) + rng.randrange(365))).isoformat()


def _insurer(rng: Random, tables: Tables, old: bool) -> Insurer:
    shares = [one.share_old if old else one.share_young for one in tables.insurers]
    return rng.choices(tables.insurers, shares)[0]


def make(seed: int, number: int, tables: Tables, start: date) -> Person:
    """Person `number` of the hospital `seed` whose first simulated day is `start`."""
    rng = Random(f"{seed}/person/{number}")
    names, spread = tables.names, tables.parameters["population"]
    sex = "F" if rng.random() < 0.53 else "M"
    given, nick = rng.choice(names.female if sex == "F" else names.male)
    family = rng.choice(names.surnames)
    middle = chr(65 + rng.randrange(26)) if rng.random() < 0.7 else ""
    born = _born(rng, tables, start)
    city, zip_code = rng.choice(names.cities)
    street = f"{rng.randrange(2, 2400)} {rng.choice(names.streets)} {rng.choice(names.street_kinds)}"
    phone = f"({rng.choice((312, 630, 773, 847))}) 555-{rng.randrange(10_000):04d}"
    site = "NGH" if rng.random() < spread["northgate_share"] and number not in MAIN_SITE else "SMH"
    scattered = number_of(seed, number)
    insurer = _insurer(rng, tables, start.year - int(born[:4]) >= 65)
    if number in INSURED and not insurer.payer_id:
        insurer = tables.insurers[0]
    card = Registration(mrn_of(seed, number), family, given, middle, born, sex, street, city, zip_code, phone)
    twin = number > 0 and number % int(spread["twin_every"]) == 5
    if twin or (number > 0 and number % int(spread["household_every"]) == 3):
        other = make(seed, number - 1, tables, start).card
        card = replace(card, street=other.street, city=other.city, zip=other.zip, phone=other.phone)
        if twin:
            while card.given == other.given:
                card = replace(card, given=rng.choice(names.female if sex == "F" else names.male)[0])
            card, nick = replace(card, family=other.family, born=other.born), ""
        elif rng.random() < 0.6:
            card = replace(card, family=other.family)
    return Person(
        number=number,
        key=f"P{number:07d}",
        site=site,
        nick=nick,
        card=card,
        insurer=insurer,
        ehr=f"E{scattered ^ 0x155555:08d}",
        member=f"{insurer.payer_id[:3] or 'SLF'}{rng.randrange(100, 999)}{scattered:07d}",
        practice=f"CF-{scattered ^ 0x2AAAAA:07d}",
        image=f"RIS{9_000_000 - scattered}",
        account=f"{scattered:07d}",
        language="es" if rng.random() < 0.09 else "en",
        twin=twin,
    )
