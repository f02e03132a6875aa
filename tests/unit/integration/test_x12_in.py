"""X12 in: any separators, one unit per claim, every element accounted for, faults found and named."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Span, Translation
from trivet.integration.formats.x12 import X12Format, heads
from trivet.integration.formats.x12.tokens import read_marks
from trivet.testing.kits.format import FormatKit, related

X12 = X12Format()
PROFILE = SourceProfile("billing", zone="America/Los_Angeles", system="https://billing.example")
GOLDEN = Path(__file__).parents[2] / "golden/x12"
FILES = sorted(GOLDEN.glob("*.edi"))
# Paths whose value a code table gives: the text says it in another language.
CODED = (".gender", "relationship.coding[0].code", ".use", ".unit", ".category.coding[0].code", ".system", ".type[0].coding[0].code")


def leaves(raw: bytes) -> set[tuple[int, int]]:
    """Non-empty elements found by walking byte by byte, with nothing in common with the tokenizer but the separators."""
    found, at = set(), raw.find(b"ISA")
    while at >= 0:
        marks = read_marks(raw, at)
        if marks is None:
            break
        follows = raw.find(b"ISA" + marks.byte("element"), at + 3)
        element, component, terminator = (ord(mark) for mark in (marks.element, marks.component, marks.terminator))
        repetition = ord(marks.repetition) if marks.repetition else -1
        begin, name, number = at, b"", 0
        for place in range(at, follows if follows >= 0 else len(raw)):
            byte = raw[place]
            if number == 0 and begin == place and byte in b" \t\r\n":
                begin += 1
            elif byte in (terminator, element) or (number and name != b"ISA" and byte in (component, repetition)):
                found |= {(begin, place - begin)} if number and place > begin else set()
                name = raw[begin:place] if number == 0 else name
                number = 0 if byte == terminator else number + (byte == element)
                begin = place + 1
        at = follows
    return found


def comes_from(span: Span, value: Any, text: str) -> bool:
    """Verbatim, a date, a number, or a code of a table."""
    return span.path.endswith(CODED) or span.path in ("gender", "order") or related(span, value, text)


KIT = FormatKit(X12, PROFILE, related=comes_from, leaves=leaves)


def told(name: str) -> list[Translation]:
    """What the units of a golden file say, checked by the kit."""
    return [one for _, one in KIT.check((GOLDEN / name).read_bytes())]


def of_type(name: str, kind: str) -> list[dict[str, Any]]:
    """The resources of one type in a golden file."""
    return [record.resource for one in told(name) for record in one.records if record.resource["resourceType"] == kind]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_is_read_without_loss(file: Path) -> None:
    """The kit holds for each: no byte lost, spans that re-read, each element once, nothing uncovered, nothing rejected."""
    units = KIT.check(file.read_bytes())
    states = Counter(element.disposition for _, one in units for element in one.elements)
    assert states["uncovered"] == states["rejected"] == 0
    assert [reject for _, one in units for reject in one.rejects] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_whole_says_what_its_units_say(file: Path) -> None:
    """Translating a delivery uncut gives the same records as its units together; a patient is told with all his claims know of him."""
    raw = file.read_bytes()
    cut = [record for _, one in KIT.check(raw) for record in one.records]
    whole = KIT.check_unit(raw).records
    assert {record.key for record in whole} == {record.key for record in cut}
    for kept, dropped in ((whole, cut), (cut, whole)):
        others = {str(record.resource) for record in dropped}
        assert {
            record.key for record in kept if record.resource["resourceType"] != "Patient" and str(record.resource) not in others
        } == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_remembered_of_a_head_changes_nothing(file: Path) -> None:
    """A unit says the same whether or not another one with the same head was read before."""
    for unit in X12.split(file.read_bytes()):
        heads._heads.clear()
        fresh = X12.translate(unit.raw, PROFILE)
        assert X12.translate(unit.raw, PROFILE) == fresh


def test_separators_are_those_of_the_file() -> None:
    """The institutional file has `|`, `>`, `!` and a backslash, and no line ends; re-delimited it says the same."""
    raw = (GOLDEN / "claims_837i.edi").read_bytes()
    other = raw.translate(bytes.maketrans(b"|>!\\", b"*:^\n"))
    assert [[record.resource for record in one.records] for _, one in KIT.check(other)] == [
        [record.resource for record in one.records] for one in told("claims_837i.edi")
    ]


@pytest.mark.parametrize("file", [file for file in FILES if file.read_bytes()[3:4] == b"*"], ids=lambda file: file.stem)
def test_separators_that_cannot_be_printed_change_nothing(file: Path) -> None:
    """GS, US, FS and RS as separators: the same records, also where a whole segment is carried; two interchanges are both read."""
    raw = file.read_bytes()
    other = raw.replace(b"~\n", b"~").translate(bytes.maketrans(b"*:^~", b"\x1d\x1f\x1c\x1e"))
    plain = [record.resource for one in told(file.name) for record in one.records]
    loose = FormatKit(X12, PROFILE, related=lambda span, value, text: True)
    assert [record.resource for _, one in loose.check(other) for record in one.records] == plain
    assert [record.resource for _, one in loose.check(raw + other) for record in one.records] == plain + plain


def test_a_claim_with_its_lines() -> None:
    """Money keeps its zeros, diagnoses get their point, lines point to diagnoses, dates and periods are as written."""
    claim = of_type("claims_837p.edi", "Claim")[0]
    assert claim["total"] == {"value": Decimal("210.50"), "currency": "USD"}
    assert str(claim["total"]["value"]) == "210.50"
    assert [one["diagnosisCodeableConcept"]["coding"][0]["code"] for one in claim["diagnosis"]] == ["I10", "E11.9"]
    first, second = claim["item"]
    assert first["productOrService"]["coding"][0] == {"code": "99214", "system": "http://www.ama-assn.org/go/cpt"}
    assert (first["diagnosisSequence"], first["servicedDate"]) == ([1, 2], "2026-02-28")
    assert second["servicedPeriod"] == {"start": "2026-02-27", "end": "2026-02-28"}
    assert second["quantity"]["value"] == Decimal("2.5")
    assert second["detail"][0]["productOrService"]["coding"][0]["code"] == "00641036725"
    assert claim["insurance"][0]["preAuthRef"] == ["AUTH9"]


def test_persons_are_told_apart_and_the_same_across_claim_and_remittance() -> None:
    """Subscriber and child share a member number and are two patients; the remittance names both as the claims do."""
    patients = {one["id"]: one["name"][0]["given"][0] for one in of_type("claims_837p.edi", "Patient")}
    assert sorted(patients.values()) == ["ADAEZE", "ELSA", "MARC"]
    paid = {one["id"]: one["name"][0]["given"][0] for one in of_type("remittance_835.edi", "Patient")}
    assert paid.items() <= patients.items()
    claims = {one["id"] for one in of_type("claims_837p.edi", "Claim")}
    assert {one["claim"]["reference"].split("/")[1] for one in of_type("remittance_835.edi", "ExplanationOfBenefit")} == claims
    enrolled = {one["id"]: one["name"][0]["given"][0] for one in of_type("enrolment_834.edi", "Patient")}
    assert enrolled.items() <= patients.items()


def test_the_medical_record_number_is_an_identifier_of_the_patient() -> None:
    """REF*EA is the number that links billing to the hospital's other feeds."""
    [patient] = [one for one in of_type("remittance_835.edi", "Patient") if len(one["identifier"]) > 1]
    assert {"value": "MRN-77", "system": "https://billing.example/mrn"}.items() <= patient["identifier"][1].items()


def test_a_remittance_balances_or_says_where_it_does_not() -> None:
    """The two good claims and the payment balance; the third claim's line and total are noticed with their places."""
    translations = told("remittance_835.edi")
    notices = [(notice.kind, notice.code, notice.locator) for one in translations for notice in one.notices]
    assert notices == [("unbalanced", "line", "2110/SVC-03"), ("unbalanced", "claim", "2100/CLP-04")]


def test_a_payment_that_does_not_add_up_is_noticed_by_the_set_s_own_unit() -> None:
    """The set's unit keeps the amounts of every claim and nothing else of it, and finds BPR02 wrong."""
    raw = (GOLDEN / "remittance_835.edi").read_bytes().replace(b"BPR*I*205.50", b"BPR*I*205.49")
    units = KIT.check(raw)
    assert [notice.code for unit, one in units for notice in one.notices if b"SE*" in unit.raw] == ["payment"]
    [own] = [unit.raw for unit, _ in units if b"SE*" in unit.raw]
    assert b"OKAFOR" not in own
    assert b"RB-1001" not in own


def test_a_reversal_is_cancelled_and_adjustments_carry_their_codes() -> None:
    """CLP02 22 takes back; each CAS triplet is one adjudication with group and reason."""
    benefits = of_type("remittance_835.edi", "ExplanationOfBenefit")
    assert [one["status"] for one in benefits] == ["active", "cancelled", "active"]
    codes = [
        (one["category"]["coding"][0]["code"], one["reason"]["coding"][0]["code"], str(one["amount"]["value"]))
        for one in benefits[0]["item"][1]["adjudication"]
        if "reason" in one
    ]
    assert codes == [("CO", "45", "10.00"), ("CO", "253", "0.00"), ("PR", "1", "10.00")]


def test_a_set_s_unit_holds_no_person() -> None:
    """Names, numbers and addresses of persons stand in persons' units only."""
    for unit, _ in KIT.check((GOLDEN / "claims_837p.edi").read_bytes()):
        if b"SE*" in unit.raw or b"IEA*" in unit.raw:
            assert not any(word in unit.raw for word in (b"OKAFOR", b"LHP0001", b"ORCHARD", b"19580612", b"RB-1001", b"MRN-77"))


def test_enrolment_becomes_coverage_with_its_period() -> None:
    """A line of insurance per coverage; a terminated one is cancelled; the doctor is the member's general practitioner."""
    coverages = of_type("enrolment_834.edi", "Coverage")
    found = [(one["type"]["coding"][0]["code"], one["status"], one["period"]) for one in coverages]
    assert found == [
        ("HLT", "active", {"start": "2026-01-01"}),
        ("DEN", "cancelled", {"start": "2025-01-01", "end": "2025-12-31"}),
        ("HLT", "active", {"start": "2026-01-01"}),
    ]
    assert coverages[0]["costToBeneficiary"][0]["valueMoney"]["value"] == Decimal("310.25")
    assert of_type("enrolment_834.edi", "Patient")[0]["generalPractitioner"]


def test_questions_and_answers_about_one_person() -> None:
    """270, 271, 276, 277, 278 and 820 of one file each give their resource, all about the same patient."""
    records = [record.resource for one in told("inquiries.edi") for record in one.records]
    kinds = Counter(one["resourceType"] for one in records)
    assert (kinds["CoverageEligibilityRequest"], kinds["CoverageEligibilityResponse"], kinds["Task"]) == (1, 1, 2)
    answer = next(one for one in records if one["resourceType"] == "CoverageEligibilityResponse")
    assert answer["insurance"][0]["inforce"] is True
    assert answer["insurance"][0]["item"][1]["benefit"][0]["allowedMoney"]["value"] == Decimal("25.00")
    status = [one for one in records if one["resourceType"] == "Task"][1]
    assert [one["code"] for one in status["output"][0]["valueCodeableConcept"]["coding"]] == ["F1", "65"]
    review = next(one for one in records if one["resourceType"] == "Claim")
    assert (review["use"], review["item"][0]["productOrService"]["coding"][0]["code"]) == ("preauthorization", "27447")
    assert kinds["PaymentNotice"] == 2


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"SE*59*", b"SE*58*", "x12-se-count"),
        (b"*0001~\nGE*", b"*0002~\nGE*", "x12-se-control-mismatch"),
        (b"GE*1*101", b"GE*2*101", "x12-ge-count"),
        (b"GE*1*101", b"GE*1*102", "x12-ge-control-mismatch"),
        (b"IEA*1*000000101", b"IEA*2*000000101", "x12-iea-count"),
        (b"IEA*1*000000101", b"IEA*1*000000102", "x12-iea-control-mismatch"),
        (b"IEA*1*000000101~\n", b"", "x12-iea-missing"),
        (b"GE*1*101~\n", b"", "x12-ge-missing"),
        (b"*260301*0915*^", b"*261301*0915*^", "x12-isa-date"),
        (b"*20260301*0915*101*X", b"*20260301*2515*101*X", "x12-gs-time"),
        (b"~\nGE*", b"~\nZZZ*1~\nGE*", "x12-stray-segment"),
        (b"ST*837*0001*005010X222A1", b"ST*850*0001*005010X222A1", "x12-st-unknown"),
        (b"ST*837*0001*005010X222A1", b"ST*999x*0001*005010X222A1", "x12-st-identifier"),
        (b"GS*HC*", b"GS*ZZ*", "x12-gs-kind"),
        (b"*101*X*005010X222A1", b"*101*X*5010", "x12-gs-version"),
        (b"*T*:~", b"*X*:~", "x12-isa-usage"),
        (b"ISA*00*          *00*          *ZZ*", b"ISA*00*          *02*          *ZZ*", "x12-isa-security-qualifier"),
    ],
)
def test_a_broken_envelope_is_refused_by_name_and_the_claims_are_read(old: bytes, new: bytes, code: str) -> None:
    """Each fault is one reject of its name with a place; it costs no claim that can be read."""
    raw = (GOLDEN / "claims_837p.edi").read_bytes()
    assert old in raw
    units = KIT.check(raw.replace(old, new))
    assert [reject.code for _, one in units for reject in one.rejects] == [code]
    claims = sum(record.resource["resourceType"] == "Claim" for _, one in units for record in one.records)
    assert claims == (0 if code in ("x12-st-unknown", "x12-st-identifier") else 3)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"NM1*85*2*RIVERBEND CLINIC*****XX*1234567893~\n", b"", "missing-segment:2010AA/NM1"),
        (b"N3*10 MILL ROAD*SUITE 4~\n", b"", "missing-segment:2010AA/N3"),
        (b"SV1*HC:G0008*41.00*UN*1***1~\n", b"", "missing-segment:2400/SV1"),
        (b"HI*ABK:J069~\n", b"", "missing-segment:2300/HI"),
        (b"N4*RIVERBEND*OR*970010000~\n", b"N4*RIVERBEND*OR*970010000~\nZZ9*1~\n", "unexpected-segment:2010AA/ZZ9"),
        (b"PER*IC*DESK ONE*TE*5550100000*EX*12~\n", b"PER*IC*A*TE*5550100000~\n" * 3, "too-many-segments:1000A/PER"),
        (b"NM1*40*2*LARCH", b"NM1*40**LARCH", "missing-element:1000B/NM1-02"),
    ],
)
def test_a_structural_fault_is_noticed_once_by_name(old: bytes, new: bytes, code: str) -> None:
    """What a guide requires and the file lacks is named with loop and segment, by one unit only."""
    raw = (GOLDEN / "claims_837p.edi").read_bytes()
    assert old in raw
    found = [notice.code for unit in X12.split(raw.replace(old, new, 1)) for notice in X12.translate(unit.raw, PROFILE).notices]
    assert [one for one in found if one.startswith(code.split(":")[0])] == [code]


def test_one_bad_claim_is_refused_alone() -> None:
    """A claim without an amount is one reject at its CLM; the other two are records."""
    raw = (GOLDEN / "claims_837p.edi").read_bytes().replace(b"CLM*RB-1002*40.00*", b"CLM*RB-1002*forty*")
    units = KIT.check(raw)
    assert [reject.code for _, one in units for reject in one.rejects] == ["x12-claim"]
    assert sum(record.resource["resourceType"] == "Claim" for _, one in units for record in one.records) == 2


def test_a_date_that_does_not_exist_is_noticed_and_not_repaired() -> None:
    """31 February is no date: the element is rejected, the record goes without it."""
    raw = (GOLDEN / "claims_837p.edi").read_bytes().replace(b"DMG*D8*20190930", b"DMG*D8*20190231")
    translations = [one for _, one in KIT.check(raw)]
    assert [(notice.kind, notice.locator) for one in translations for notice in one.notices][-1] == ("doubtful-date", "2010CA/DMG[1]-02")
    elsa = [record.resource for one in translations for record in one.records if "ELSA" in str(record.resource.get("name"))]
    assert elsa
    assert all("birthDate" not in one for one in elsa)


def test_what_is_no_interchange_is_refused_whole() -> None:
    """Text without a proper ISA segment is one reject over all of its bytes."""
    for raw in (b"ISA*00*", b"hello", b"ISAISAISA" * 40):
        one = KIT.check_unit(raw)
        assert (one.rejects[0].code, one.rejects[0].length) == ("x12-no-interchange", len(raw))


def test_broken_bytes_never_raise_and_lose_nothing() -> None:
    """Two hundred broken deliveries: no exception, no byte lost, the same answer twice."""
    FormatKit(X12, PROFILE, related=lambda span, value, text: True).torture([file.read_bytes() for file in FILES], rounds=200, seed=5)
