"""What the house says of its own accord, and how much of it nobody planted.

In: what the house says (`heard.Evidence`), the faults of the truth by kind. Out, for each alarm of `maps/quality/alarms.csv`: how many
things it says, and how many of them are false, as the table defines it. Here the truth is looked at: that is what a false alarm is
measured by. A kind without an alarm has a reason in the table instead of a number.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from trivet.kernel.resources import text
from trivet.wiring.heard import Doubt, Evidence, Fault, listed

__all__ = ["ALARMS", "Alarm", "Counted", "alarms", "counted", "unalarmed"]

Faults = Mapping[str, Sequence[Fault]]
Row = dict[str, Any]


class Counted(NamedTuple):
    """How many things an alarm says, and how many of them no planted fault explains."""

    said: int
    false: int


class Alarm(NamedTuple):
    """A row of `maps/quality/alarms.csv`: the kinds that it is told with, what it counts, and when that is false."""

    alarm: str
    kinds: tuple[str, ...]
    said: str
    false: str


def alarms() -> list[Alarm]:
    """The alarms, in the order of the table; without a name those that do not exist, with the reason."""
    rows = csv.DictReader(text("trivet.maps", "quality", "alarms.csv").splitlines())
    return [Alarm(row["alarm"], tuple(row["kinds"].split()), row["said"], row["false"]) for row in rows]


def unalarmed() -> dict[str, str]:
    """Why a kind has no alarm of its own."""
    return {kind: one.false for one in alarms() if not one.alarm for kind in one.kinds}


def counted(evidence: Evidence, faults: Faults) -> dict[str, Counted]:
    """Every alarm, counted."""
    return {one.alarm: ALARMS[one.alarm](evidence, faults) for one in alarms() if one.alarm}


def of(faults: Faults, *kinds: str) -> list[Fault]:
    """The faults of these kinds."""
    return [fault for kind in kinds for fault in faults.get(kind, ())]


def numbers(faults: Iterable[Fault], *names: str) -> set[str]:
    """The identifiers that these faults name."""
    return {str(value) for fault in faults for name in names for value in listed(fault["detail"].get(name))}


def tally(things: Iterable[Any], explained: Callable[[Any], bool]) -> Counted:
    """Things said, and those that are not explained."""
    told = set(things)
    return Counted(len(told), sum(not explained(one) for one in told))


def rows(check: str, explained: Callable[[Evidence, Faults], Callable[[Row], bool]]) -> Callable[[Evidence, Faults], Counted]:
    """Records that a check names."""

    def count(evidence: Evidence, faults: Faults) -> Counted:
        right = explained(evidence, faults)
        held = evidence.checks[check]
        return tally((row["record"] for row in held), {row["record"] for row in held if right(row)}.__contains__)

    return count


def by_receipt(*kinds: str) -> Callable[[Evidence, Faults], Callable[[Row], bool]]:
    """Explained where a fault of these kinds came with the receipt."""

    def explained(evidence: Evidence, faults: Faults) -> Callable[[Row], bool]:
        known = set[int]().union(*(evidence.receipts(fault) for fault in of(faults, *kinds)))
        return lambda row: row["known_seq"] in known

    return explained


def by_feed(evidence: Evidence, faults: Faults) -> Callable[[Row], bool]:
    """Explained where the feed was made to fall silent."""
    known = {f"source/{fault['where']['source']}" for fault in of(faults, "silent_feed")}
    return lambda row: row["record"] in known


def by_code(evidence: Evidence, faults: Faults) -> Callable[[Row], bool]:
    """Explained where the row names a code that was mapped wrongly."""
    known = [f"code {fault['detail']['code']} " for fault in of(faults, "mapping_error")]
    return lambda row: any(code in row["why"] for code in known)


def conflicts(evidence: Evidence, faults: Faults) -> Callable[[Row], bool]:
    """Explained where the house's person holds somebody with a birth date written wrongly, or a number that was used for another."""
    wrong = of(faults, "wrong_birth_date") + [one for one in of(faults, "duplicate_registration") if one["detail"]["how"] == "swapped_date"]
    known = evidence.people(fault["person"] for fault in wrong)
    known |= evidence.holders(numbers(of(faults, "identifiers_swapped"), "mrn_used"))
    return lambda row: evidence.found.get(row["record"]) in known


def placeholders(words: str, kind: str) -> Callable[[Evidence, Faults], Counted]:
    """Records of which the check of placeholders says these words; explained where they bear a number of that fault, or are of its
    person: other feeds repeat what the registration desk wrote."""

    def count(evidence: Evidence, faults: Faults) -> Counted:
        known, people = numbers(of(faults, kind), "mrn"), {fault["person"] for fault in of(faults, kind)} - {None}
        said = (row["record"] for row in evidence.checks["person-placeholder"] if row["why"].startswith(words))
        return tally(said, lambda record: bool(evidence.values[record] & known) or evidence.true.get(record) in people)

    return count


def links(evidence: Evidence, faults: Faults) -> Counted:
    """Pairs of records that are one person in the house, and two in truth."""
    return Counted(evidence.pairs["pairs_found"], evidence.pairs["pairs_found"] - evidence.pairs["pairs_both"])


def together(evidence: Evidence, faults: Faults, *kinds: str) -> Callable[[Doubt], bool]:
    """Do the two of a doubt belong together in one of these ways?"""
    known = {frozenset(fault["detail"]["persons"]) for fault in of(faults, *kinds)}
    return lambda doubt: frozenset(evidence.true.get(one, one) for one in (doubt.subject, doubt.other)) in known


def confused(evidence: Evidence, faults: Faults) -> Callable[[Doubt], bool]:
    """Does one of the two bear a number under which somebody else spoke, or whose bearer spoke elsewhere?"""
    known = numbers(of(faults, "identifiers_swapped"), "mrn_used", "mrn_right")
    return lambda doubt: bool((evidence.values[doubt.subject] | evidence.values[doubt.other]) & known)


def doubts(evidence: Evidence, faults: Faults) -> Counted:
    """Pairs that look like one person for another reason than twins' or a number's."""
    explained = (together(evidence, faults, "twins", "shared_contact"), confused(evidence, faults))

    def right(doubt: Doubt) -> bool:
        one, other = evidence.true.get(doubt.subject), evidence.true.get(doubt.other)
        return (one is not None and one == other) or any(way(doubt) for way in explained)

    return tally((one for one in evidence.doubts if one.kind == "pair" and not twin(one) and not spoken(one)), right)


def twin(doubt: Doubt) -> bool:
    """Is this doubt about twins?"""
    return doubt.rule.endswith("twins")


def spoken(doubt: Doubt) -> bool:
    """Is this doubt about somebody else who speaks under a number?"""
    return doubt.kind == "conflict" or (doubt.rule.startswith("same-identifier-but") and not twin(doubt))


def numbered(evidence: Evidence, faults: Faults) -> Counted:
    """Records under whose number somebody else seems to speak, by a doubt or by the check of swapped identifiers."""
    told = [one for one in evidence.doubts if spoken(one)]
    told += [Doubt("check", "identifiers-swapped", row["record"], "") for row in evidence.checks["identifiers-swapped"]]
    return tally(told, confused(evidence, faults))


def codes(evidence: Evidence, faults: Faults) -> Counted:
    """Codes that wait."""
    planted = {(fault["detail"]["system"], fault["detail"]["code"]) for fault in of(faults, "code_unmapped")}
    return tally(evidence.codes, planted.__contains__)


def segments(evidence: Evidence, faults: Faults) -> Counted:
    """Segments beginning with Z."""
    planted = {(fault["where"]["source"], fault["detail"]["segment"]) for fault in of(faults, "z_segment")}
    return tally(((source, place[:3]) for source, place in evidence.uncovered if place.startswith("Z")), planted.__contains__)


def repeats(evidence: Evidence, faults: Faults) -> Counted:
    """Units taken for a repeat."""
    planted = set[int]().union(*(evidence.receipts(fault) for fault in of(faults, "repeated")))
    return tally(evidence.again, planted.__contains__)


ALARMS: dict[str, Callable[[Evidence, Faults], Counted]] = {
    "unit-mixed-up": rows("unit-mixed-up", by_receipt("unit_mixed_up")),
    "unit-missing": rows("unit-missing", by_receipt("unit_missing")),
    "code-distribution": rows("code-distribution", by_code),
    "feed-silent": rows("feed-silent", by_feed),
    "message-id-reused": rows("message-id-reused", by_receipt("control_id_reused")),
    "charge-mismatch": rows("charge-mismatch", by_receipt("price_mismatch")),
    "remit-unbalanced": rows("remit-unbalanced", by_receipt("remit_unbalanced")),
    "message-damaged": rows("message-damaged", by_receipt("truncated", "bad_date", "not_a_number")),
    "event-late": rows("event-late", by_receipt("late", "out_of_order")),
    "message-order": rows("message-order", by_receipt("late", "out_of_order")),
    "repeat": repeats,
    "unknown-code": codes,
    "z-segment": segments,
    "placeholder-birth": placeholders("birth date", "placeholder_birth_date"),
    "placeholder-name": placeholders("name", "placeholder_name"),
    "test-patient": placeholders("test patient", "test_patient"),
    "person-conflict": rows("person-conflict", conflicts),
    "link": links,
    "doubt": doubts,
    "doubt-twins": lambda evidence, faults: tally(filter(twin, evidence.doubts), together(evidence, faults, "twins")),
    "doubt-number": numbered,
}
