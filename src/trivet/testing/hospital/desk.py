"""The registration desk: which card is in use at a visit, and the mistakes that are made there."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from trivet.testing.hospital.chart import Chart
from trivet.testing.hospital.person import Person, Registration, mrn_of
from trivet.testing.hospital.tables import Tables

__all__ = ["Desk", "typo"]


def typo(text: str, rng: Random) -> str:
    """One slip of the fingers: two neighbours exchanged, one letter left out, or one doubled."""
    if len(text) < 3:
        return text + text[-1]
    place = rng.randrange(1, len(text) - 1)
    kind = rng.randrange(3)
    if kind == 0 and text[place] != text[place + 1]:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place] + text[place:]


def swapped_date(born: str) -> str:
    """Day and month exchanged where that is a date, else the last two digits of the year."""
    year, month, day = born.split("-")
    if int(day) <= 12 and day != month:
        return f"{year}-{day}-{month}"
    turned = year[:2] + year[3] + year[2]
    return f"{turned if turned != year and 1905 < int(turned) < 2008 else int(year) + 1}-{month}-{day[0] if day[0] != '3' else '2'}{day[1]}"


class Desk:
    """Cards of one person. `card` is the one in use; `open` at each visit may put another on top, `close` takes it away."""

    def __init__(self, seed: int, person: Person, chart: Chart, tables: Tables, rng: Random) -> None:
        self.person, self.chart, self.tables, self.rng, self._seed = person, chart, tables, rng, seed
        self.main = person.card
        self.card = person.card
        self.truth: dict[str, Any] | None = None
        self.merge_due = False
        self.rename_due = False
        self._copies = 0

    def open(self) -> Registration:
        """The card used for a visit that begins now; `truth` says what is wrong with it, for the first message to carry."""
        plan, main = self.chart.plan, self.main
        self.truth, self.merge_due, self.rename_due = None, False, False
        if plan.take("surname_changed"):
            new = self.rng.choice([name for name in self.tables.names.surnames if name != main.family])
            self.truth = self.chart.truth("surname_changed", {"mrn": main.mrn, "from": main.family, "to": new})
            self.main = self.card = replace(main, family=new)
        elif plan.take("duplicate_registration"):
            self.card, how = self._second(main)
            merged = self.rng.random() < float(str(self.tables.faults["duplicate_registration"]["merged"]))
            self.merge_due = merged
            self.truth = self.chart.truth("duplicate_registration", {"mrn": [main.mrn, self.card.mrn], "how": how, "merged_later": merged})
        elif plan.take("placeholder_birth_date"):
            self.card = replace(main, mrn=self._next_mrn(), born="1900-01-01", phone="")
            self.truth = self.chart.truth("placeholder_birth_date", {"mrn": [main.mrn, self.card.mrn]})
        elif plan.take("placeholder_name"):
            given = "MALE" if main.sex == "M" else "FEMALE"
            self.card = replace(main, mrn=self._next_mrn(), family="UNKNOWN", given=given, middle="", phone="", street="", city="", zip="")
            self.truth = self.chart.truth("placeholder_name", {"mrn": [main.mrn, self.card.mrn]})
            self.rename_due = True
        else:
            self.card = self.main
        return self.card

    def renamed(self) -> Registration:
        """The card of an unknown person once the name is known; the record number stays the second one."""
        self.card = replace(self.main, mrn=self.card.mrn)
        self.rename_due = False
        return self.card

    def _next_mrn(self) -> str:
        self._copies += 1
        return mrn_of(self._seed, self.person.number, self._copies)

    def _second(self, main: Registration) -> tuple[Registration, str]:
        rng, mrn = self.rng, self._next_mrn()
        how = rng.choice(("typo", "typo", "nickname", "swapped_date", "old_address"))
        if how == "nickname" and self.person.nick:
            return replace(main, mrn=mrn, given=self.person.nick, middle=""), how
        if how == "swapped_date":
            return replace(main, mrn=mrn, born=swapped_date(main.born)), how
        if how == "old_address":
            street = f"{rng.randrange(2, 2400)} {rng.choice(self.tables.names.streets)} {rng.choice(self.tables.names.street_kinds)}"
            return replace(main, mrn=mrn, street=street, phone="", middle=""), how
        return replace(main, mrn=mrn, family=typo(main.family, rng), middle=""), "typo"
