"""Which person is this: `contracts.ports.Linker` in real time, inside the transaction that shelves the record.

In: the records of a receipt, in the order in which receipts came. Out: links, events and doubts in the store, and ledger entries
that hold no more than grade, rule and score. The same receipts in the same order give the same links, bit for bit. Nothing is
linked that a human has separated. Too many records under one key is said loudly and never taken for "no match".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from trivet.contracts.envelope import Receipt
from trivet.contracts.ports import Store, Tx
from trivet.contracts.record import Translation
from trivet.contracts.trace import Entry
from trivet.data.identity.compare import compare, numbers_level
from trivet.data.identity.features import EMPTY, Features, features, joined
from trivet.data.identity.judge import contradictions
from trivet.data.identity.keys import brief, keys
from trivet.data.identity.match import TOO_LARGE, Finding, Match, find, opposed
from trivet.data.identity.register import Event, Known, Register, person_of
from trivet.data.identity.stewardship import apply
from trivet.data.identity.weights import Weights, shipped

__all__ = ["MACHINE", "Seal", "StoreLinker"]

MACHINE = "trivet"
SAID = ("name", "birthDate", "gender", "identifier", "telecom", "address", "multipleBirthInteger", "link")
ABOUT = ("subject", "patient", "beneficiary", "for", "individual")
DISPUTES = ("same-identifier-but", "number-disputed")  # rules that say of a number that it is not settled whose it is
BRIDGE = "joins-two-persons"  # a third record fits both
JOINS = {"replaced-by": False, "replaces": True, "refer": False}
_encode = msgspec.json.Encoder(decimal_format="number")


class Seal(Protocol):
    """The part of the vault that gives a keyed address for bytes, without keeping them."""

    def address(self, data: bytes) -> str: ...


class StoreLinker:
    """Links, merges and doubts over the operational store. `replayed` are the ledger kinds that a rebuild hands to `replay`."""

    replayed = ("link.decision",)

    def __init__(self, store: Store, vault: Any, weights: Weights | None = None) -> None:
        self._store, self._vault = store, vault
        self.weights = weights or shipped()

    def link(self, tx: Tx, receipt: Receipt, translation: Translation) -> list[Entry]:
        """Give every `Patient/<id>` that the records name its person. Gives the ledger entries to append."""
        work = Work(tx, receipt, self.weights, self._vault)
        spoken = set[str]()
        for record in translation.records:
            resource = record.resource
            if resource["resourceType"] == "Patient":
                work.patient(f"Patient/{resource['id']}", resource)
            else:
                spoken.update(_subjects(resource))
        for subject in sorted(spoken):
            work.mentioned(subject)
        for record in translation.records:
            if record.resource["resourceType"] == "Patient" and "link" in record.resource:
                work.said_to_be_one(f"Patient/{record.resource['id']}", record.resource["link"])
        return work.entries

    def persons(self, tx: Tx, subjects: Sequence[str]) -> dict[str, str]:
        """The person of each of these subjects that has one, as the transaction sees it."""
        return Register(tx).persons(subjects)

    def replay(self, tx: Tx, seq: int, entry: dict[str, Any]) -> None:
        """Do again what a human decided. Raises what the vault raises when the decision cannot be read."""
        apply(Register(tx), seq, entry["at"], self._vault.get(entry["notes"]["blob"]))


def _subjects(resource: dict[str, Any]) -> Iterable[str]:
    for name in ABOUT:
        held = resource.get(name)
        if isinstance(held, dict):
            reference = held.get("reference")
            if isinstance(reference, str) and reference.startswith("Patient/"):
                yield reference


class Work:
    """One receipt being linked."""

    def __init__(self, tx: Tx, receipt: Receipt, weights: Weights, seal: Seal) -> None:
        self.register = Register(tx)
        self.receipt, self.weights, self.seal = receipt, weights, seal
        self.entries: list[Entry] = []

    def patient(self, subject: str, resource: dict[str, Any]) -> None:
        """A Patient record: new, changed, or known already."""
        said = hashlib.sha256(_encode.encode([resource.get(name) for name in SAID])).digest()
        found = self.register.find(subject)
        if found is not None and found[1] == said:
            return
        fresh = features(resource, self.weights.names)
        if found is None:
            self.begin(subject, said, fresh)
        else:
            self.change(found[0], said, fresh)

    def mentioned(self, subject: str) -> None:
        """A subject that some record refers to: known, or a person of whom nothing else is known yet."""
        if self.register.find(subject) is None:
            person = person_of(subject)
            self.register.add(subject, self.receipt.source, person, b"", EMPTY, self.receipt.seq)
            self.happen("first", subject, person, rule="reference-only", moved=(subject,))

    def begin(self, subject: str, said: bytes, fresh: Features) -> None:
        """A record that was never seen: its own person, or the one it matches."""
        found = find(self.register, fresh, self.weights, None)
        person = person_of(subject)
        number = self.register.add(subject, self.receipt.source, person, said, fresh, self.receipt.seq)
        self.register.key(number, brief(fresh), keys(fresh))
        self.count(fresh, EMPTY)
        best = found.best
        if best is not None:
            self.happen("linked", subject, best.person, match=best, moved=(subject,))
        else:
            self.happen("first", subject, person, rule="test-patient" if fresh.test else "no-match", moved=(subject,))
        self.after(subject, found)

    def change(self, known: Known, said: bytes, fresh: Features) -> None:
        """A known record says something else: remembered beside what it said, unless it speaks of somebody else."""
        whole = joined(known.features, fresh, self.weights.names)
        if whole == known.features:
            self.register.update(known.id, said, whole, self.receipt.seq)
            return
        if known.features.names and self.speaks_of_another(known.features, fresh):
            self.conflict(known, said, fresh)
            return
        self.remember(known, said, whole)
        members = self.register.members(known.person)
        found = find(self.register, whole, self.weights, known)
        if found.best is not None and len(members) == 1:
            self.happen("moved", known.subject, found.best.person, match=found.best, other=known.person, moved=(known.subject,))
        elif found.best is not None:
            self.join(known.subject, known.person, found.best)
        self.after(known.subject, found)

    def speaks_of_another(self, old: Features, fresh: Features) -> bool:
        """Do name and birth date, or name and sex, both say somebody else?"""
        evidence = compare(old, fresh._replace(persons=(), members=()), self.weights, lambda field, term: (0, 0))
        return len(set(contradictions(evidence.levels, old, fresh))) >= 2

    def conflict(self, known: Known, said: bytes, fresh: Features) -> None:
        """The record now bears somebody else's name and birth date. Kept as it was and put before a human, except where it
        stood alone and now agrees with the person who has its identifier elsewhere: then what it said before was the slip."""
        mark = hashlib.sha256(_encode.encode(fresh)).hexdigest()[:16]
        event = Event(
            self.receipt.seq,
            "conflict",
            known.subject,
            known.person,
            "",
            "speaks-of-another",
            "possible",
            None,
            (),
            (),
            MACHINE,
            self.receipt.received_at,
        )
        if self.register.doubt(f"conflict {known.subject} {mark}", "conflict", event):
            self.register.happened(event)
            self.enter("conflict", "possible", "speaks-of-another", None, known.subject, known.person)
        found = find(self.register, fresh, self.weights, known)
        best = found.best
        if best is not None and best.rule == "same-identifier" and len(self.register.members(known.person)) == 1:
            self.remember(known, said, fresh)
            self.happen("moved", known.subject, best.person, match=best, other=known.person, moved=(known.subject,))

    def remember(self, known: Known, said: bytes, whole: Features) -> None:
        """Write what a record says, with its keys and terms."""
        before, now = keys(known.features), keys(whole)
        seen = brief(whole)
        self.register.update(known.id, said, whole, self.receipt.seq)
        again = [key for key in now if key not in before or seen != brief(known.features)]
        self.register.key(known.id, seen, again, [key for key in before if key not in now])
        self.count(whole, known.features)

    def count(self, now: Features, before: Features) -> None:
        """Count the names that are new."""
        for place, field in enumerate(("family", "given")):
            had = {name[place] for name in before.names}
            self.register.count_terms((field, term) for term in sorted({name[place] for name in now.names} - had) if term)

    def after(self, subject: str, found: Finding) -> None:
        """What else was found: persons that this record joins, doubts for a human, keys that too many records share."""
        if found.also:
            person = self.register.persons([subject])[subject]
            for match in found.also:
                if match.person != person:
                    self.join(subject, person, match)
                    person = self.register.persons([subject])[subject]
        for match in found.doubts:
            self.doubt(subject, match)
        if found.crowded:
            rules = ",".join(sorted(found.crowded))
            event = self.event("crowded", subject, "", rule=f"{TOO_LARGE}:{rules}", grade="possible")
            if self.register.doubt(f"crowded {subject}", "crowded", event):
                self.register.happened(event)
                self.enter("crowded", "possible", event.rule, None, subject, "")

    def join(self, subject: str, person: str, match: Match) -> None:
        """Two persons turn out to be one: the older one stays. Where anything speaks against it, a human decides. Who is known by nothing
        but the number of this record is this record, and is linked as it would be."""
        one, two = self.register.members(person), self.register.members(match.person)
        through = next(known for known in one if known.subject == subject)
        alone = all(known is through or numbers_level(known.features.persons, through.features.persons) == "same" for known in one)
        if (
            (match.grade != "certain" and not alone)
            or len(one) + len(two) > self.weights.members
            or self.kept_apart(one, two)
            or opposed(one, two, through, self.weights)
            or self.register.disputed([known.subject for known in (*one, *two)])
        ):
            self.doubt(subject, match._replace(rule=f"{BRIDGE}:{match.rule}"))
            return
        stays, goes = (one, two) if one[0].id < two[0].id else (two, one)
        moved = tuple(known.subject for known in goes)
        self.happen("merged", subject, stays[0].person, match=match, other=goes[0].person, moved=moved)

    def kept_apart(self, one: Sequence[Known], two: Sequence[Known]) -> bool:
        """Did a human separate any of these?"""
        others = {known.subject for known in two}
        return any(self.register.apart(known.subject) & others for known in one)

    def said_to_be_one(self, subject: str, links: Any) -> None:
        """The sender says that two records are one person (HL7 v2 A40, FHIR `Patient.link`): merged, unless a human separated them."""
        for held in links if isinstance(links, list) else ():
            reference = held.get("other", {}).get("reference") if isinstance(held, dict) and isinstance(held.get("other"), dict) else None
            kind = held.get("type") if isinstance(held, dict) else None
            if not isinstance(reference, str) or not reference.startswith("Patient/") or kind not in JOINS:
                continue
            self.mentioned(reference)
            stays, goes = (subject, reference) if JOINS[kind] else (reference, subject)
            persons = self.register.persons([stays, goes])
            if persons[stays] == persons[goes]:
                continue
            one, two = self.register.members(persons[stays]), self.register.members(persons[goes])
            match = Match(persons[goes], goes, "certain", "said-by-sender", None, ())
            if self.kept_apart(one, two):
                event = self.event("doubt", stays, "", match=match, rule="said-by-sender-but-separated", grade="possible")
                if self.register.doubt(f"said {' '.join(sorted((stays, goes)))}", "pair", event):
                    self.enter("doubt", "possible", event.rule, None, stays, goes)
                continue
            moved = tuple(known.subject for known in two)
            self.happen("merged", stays, persons[stays], match=match, other=persons[goes], moved=moved)

    def doubt(self, subject: str, match: Match) -> None:
        """Put two persons before a human, once, unless a human has separated them already; what says more later is what is shown."""
        person = self.register.persons([subject])[subject]
        if person == match.person or self.kept_apart(self.register.members(person), self.register.members(match.person)):
            return
        one, two = sorted((person, match.person))
        event = self.event("doubt", subject, "", match=match, other=match.subject, grade="possible")
        mark, grave = f"pair {one} {two}", match.rule.startswith(DISPUTES)
        new = self.register.doubt(mark, "pair", event)
        if new or (not match.rule.startswith(BRIDGE) and self.register.firmer(mark, event, grave)):
            self.enter("doubt", "possible", match.rule, match.score, subject, match.subject)

    def event(
        self,
        kind: str,
        subject: str,
        person: str,
        *,
        rule: str = "",
        grade: str = "",
        match: Match | None = None,
        other: str = "",
        moved: tuple[str, ...] = (),
    ) -> Event:
        """An event of this receipt."""
        score = None if match is None or match.score is None else round(match.score, 2)
        return Event(
            self.receipt.seq,
            kind,
            subject,
            person,
            other or (match.subject if match else ""),
            rule or (match.rule if match else ""),
            grade or (match.grade if match else "certain"),
            score,
            match.evidence if match else (),
            moved,
            MACHINE,
            self.receipt.received_at,
        )

    def happen(
        self,
        kind: str,
        subject: str,
        person: str,
        *,
        rule: str = "",
        match: Match | None = None,
        other: str = "",
        moved: tuple[str, ...] = (),
    ) -> None:
        """Write an event, move its subjects, tell the ledger."""
        event = self.event(kind, subject, person, rule=rule, match=match, other=other, moved=moved)
        number = self.register.happened(event)
        for one in moved:
            self.register.assign(one, person, self.receipt.seq, number)
        if kind != "first":
            self.register.settle(moved, self.receipt.seq)
        self.enter(kind, event.grade, event.rule, event.score, subject, person)

    def enter(self, kind: str, grade: str, rule: str, score: float | None, subject: str, person: str) -> None:
        """A ledger entry: what happened, and a keyed commitment to whom it happened."""
        notes = {"event": kind, "grade": grade, "rule": rule} | ({"bits": f"{score:.2f}"} if score is not None else {})
        sealed = self.seal.address(f"link\x1f{self.receipt.seq}\x1f{kind}\x1f{subject}\x1f{person}\x1f{rule}".encode())
        self.entries.append(Entry("link", self.receipt.received_at, refs=(self.receipt.seq,), commitments={"link": sealed}, notes=notes))
