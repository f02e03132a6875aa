"""How each kind of planted fault is found. In: what the house says (`heard.Evidence`) and a fault of the truth. Out: found or not.

A fault is found only where the house itself says so. No kind is found by looking at the truth.
"""

from __future__ import annotations

from collections.abc import Callable

from trivet.wiring.heard import Evidence, Fault, listed

__all__ = ["FINDERS", "circumstance"]

FEWEST_VALUES = 5  # of a local code that `code-distribution` judges


def rows_of(check: str) -> Callable[[Evidence, Fault], bool]:
    """Found where a check names the receipt."""
    return lambda evidence, fault: bool(evidence.receipts(fault) & evidence.receipts_of[check])


def noticed(kind: str) -> Callable[[Evidence, Fault], bool]:
    """Found where a notice names the receipt."""
    return lambda evidence, fault: bool(evidence.receipts(fault) & evidence.notices[kind])


def either(*finders: Callable[[Evidence, Fault], bool]) -> Callable[[Evidence, Fault], bool]:
    """Found in any of these ways."""
    return lambda evidence, fault: any(finder(evidence, fault) for finder in finders)


def repeated(evidence: Evidence, fault: Fault) -> bool:
    """The delivery was taken for what it is: a repeat of a receipt that is there already."""
    return bool(evidence.receipts(fault) & evidence.again)


def one_person_or_queued(evidence: Evidence, fault: Fault) -> bool:
    """Records under these numbers are one person, or wait for a human."""
    values = [str(value) for value in listed(fault["detail"].get("mrn"))]
    held = evidence.holders(values)
    return len(held) == 1 or any(pair <= held for pair in evidence.apart if len(pair) == 2)


def same_person(evidence: Evidence, fault: Fault) -> bool:
    """The record that changed its name stands with the person's other records."""
    changed = {record for record in evidence.by_value[str(fault["detail"]["mrn"])] if evidence.source[record] == fault["where"]["source"]}
    others = evidence.records[fault["person"]] - changed
    return bool(changed) and {evidence.found[record] for record in changed} <= {evidence.found[record] for record in others or changed}


def unmerged(evidence: Evidence, fault: Fault) -> bool:
    """These persons share no person in the house."""
    first, second = (evidence.people([person]) for person in fault["detail"]["persons"])
    return not first & second


def in_review(evidence: Evidence, fault: Fault) -> bool:
    """The patient of this receipt waits for a human, or stands with neither of the two."""
    detail = fault["detail"]
    right, used = evidence.by_value[str(detail["mrn_right"])], evidence.by_value[str(detail["mrn_used"])]
    return bool((right | used) & evidence.reviewed)


def linked_in_spite(evidence: Evidence, fault: Fault) -> bool:
    """The record is linked to its person or waits for a human, and the conflict of dates is in view."""
    records = evidence.by_value[str(fault["detail"]["practice_id"])]
    others = {evidence.found[record] for record in evidence.records[fault["person"]] - records}
    linked = bool({evidence.found[record] for record in records} & others)
    shown = bool(records & evidence.records_of["person-conflict"])
    return (linked and shown) or bool(records & evidence.reviewed) or (not others and bool(records))


def placeholder(evidence: Evidence, fault: Fault) -> bool:
    """One of the person's records is named by the check of placeholders."""
    records = {record for value in listed(fault["detail"].get("mrn")) for record in evidence.by_value[str(value)]}
    return bool(records & evidence.records_of["person-placeholder"])


def silent(evidence: Evidence, fault: Fault) -> bool:
    """The feed is named as silent."""
    return f"source/{fault['where']['source']}" in evidence.records_of["feed-silent"]


def wrong_map(evidence: Evidence, fault: Fault) -> bool:
    """The local code is named."""
    return any(f"code {fault['detail']['code']} " in row["why"] for row in evidence.checks["code-distribution"])


def segment(evidence: Evidence, fault: Fault) -> bool:
    """The segment's fields stand in the coverage, not interpreted."""
    return any(source == fault["where"]["source"] and place.startswith(fault["detail"]["segment"]) for source, place in evidence.uncovered)


FINDERS: dict[str, Callable[[Evidence, Fault], bool]] = {
    "repeated": repeated,
    "late": rows_of("event-late"),
    "out_of_order": either(rows_of("message-order"), rows_of("event-late")),
    "control_id_reused": rows_of("message-id-reused"),
    "truncated": either(rows_of("message-damaged"), noticed("truncated")),
    "bad_date": either(rows_of("message-damaged"), noticed("doubtful-date")),
    "not_a_number": either(rows_of("message-damaged"), noticed("not-a-number")),
    "unit_missing": either(rows_of("unit-missing"), noticed("missing-unit")),
    "unit_mixed_up": rows_of("unit-mixed-up"),
    "code_unmapped": lambda evidence, fault: (fault["detail"]["system"], fault["detail"]["code"]) in evidence.codes,
    "mapping_error": wrong_map,
    "z_segment": segment,
    "duplicate_registration": one_person_or_queued,
    "surname_changed": same_person,
    "identifiers_swapped": in_review,
    "placeholder_birth_date": placeholder,
    "placeholder_name": placeholder,
    "wrong_birth_date": linked_in_spite,
    "twins": unmerged,
    "shared_contact": unmerged,
    "test_patient": lambda evidence, fault: any(row["why"].startswith("test patient") for row in evidence.checks["person-placeholder"]),
    "silent_feed": silent,
    "remit_unbalanced": rows_of("remit-unbalanced"),
    "price_mismatch": rows_of("charge-mismatch"),
}


def circumstance(evidence: Evidence, fault: Fault) -> str:
    """What is true of a fault that was not found, in the words of `maps/quality/blind-spots.csv`; "" when nothing excuses it."""
    detail = fault["detail"]
    came = evidence.sent.get((detail.get("system", ""), detail.get("code", "")), 0)
    if fault["kind"] == "truncated":
        return "" if detail["inside_segment"] else "cut-behind-segment"
    if fault["kind"] == "code_unmapped":
        return "" if came else "never-sent"
    if fault["kind"] == "mapping_error":
        return "" if came >= FEWEST_VALUES else "too-few-values"
    if fault["kind"] == "identifiers_swapped":
        return "" if evidence.by_value.get(str(detail["mrn_right"])) else "alone-under-its-number"
    return ""
