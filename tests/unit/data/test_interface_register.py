"""The register of a feed: what a small known feed writes about itself, in every format through one account of elements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feed import MARK, message
from trivet.contracts.envelope import Envelope
from trivet.contracts.house import House
from trivet.contracts.profile import SourceProfile
from trivet.data.interfaces.compare import changes
from trivet.data.interfaces.document import LISTED, feed_document, listed
from trivet.data.interfaces.observe import observe
from trivet.data.interfaces.places import grammar
from trivet.data.interfaces.sums import KEPT, Sums
from trivet.flows.receive import accept, process_pending
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Usage
from trivet.wiring.build import init_home
from trivet.wiring.formats import load
from trivet.wiring.registering import difference_markdown, document_markdown
from trivet.wiring.settings import Source, add_source
from trivet.wiring.shadow import rebuild_home

FORMATS = load()


def sums_of(format: str, *deliveries: bytes) -> Sums:
    """The sums of some deliveries, straight out of translation."""
    form, units = FORMATS[format], []
    for raw in deliveries:
        for unit in form.split(raw):
            translation = form.translate(unit.raw, SourceProfile("x", format=format))
            units.append(
                observe(unit.raw, translation, format, [one for one in translation.records if one.resource["resourceType"] == "Patient"])
            )
    return Sums().take(units)


def field(document: dict[str, Any], name: str) -> dict[str, Any]:
    """One field of a document."""
    return next(row for row in document["fields"] if row["field"] == name)


def at(day: int, hour: int = 8) -> str:
    """An instant of March."""
    return f"2026-03-{day:02d}T{hour:02d}:00:00.000000Z"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A laboratory feed of March: five messages a day, a silence, then another unit, another segment and a third result."""
    home = tmp_path / "home"
    init_home(home, clock=FrozenClock(at(31))).close()
    add_source(home, "lab", Source(format="hl7v2", owner="unknown", expected_every=86400))
    (home / "site" / "contracts").mkdir()
    (home / "site" / "contracts" / "lab.md").write_text("what it means")
    house = init_again(home)
    number = 0
    for day in [*range(1, 25), *range(27, 32)]:
        for _ in range(5):
            number += 1
            late = day >= 27
            raw = message(
                number, unit="mg/dL" if late else "mmol/L", extra="NTE|2||seen" if late else "", results=3 if late else 2, day=day
            )
            accept(house, Envelope(raw, "lab", "hl7v2", at(day, 8 + number % 3))).result()
    process_pending(house)
    yield house
    house.close()


def init_again(home: Path) -> House:
    """The home, opened with the clock of its last day."""
    from trivet.wiring.build import open_home

    return open_home(home, clock=FrozenClock(at(31, 20)))


def test_a_feed_documents_itself(house: House) -> None:
    """Types, versions, senders, cardinalities, lengths, shapes, value sets, own segments and systems, volumes: all counted."""
    document = house.role("register").document("lab", "2026-03-01", "2026-03-24")
    [form] = document["formats"]
    assert (document["owner"], document["documented"], document["contract"][0]["file"]) == ("unknown", False, "lab.md")
    assert form["units"] == 120
    [kind] = form["types"]
    assert kind["type"] == "ORU^R01"
    parts = {part["part"]: part for part in kind["parts"]}
    assert (parts["OBX"]["least"], parts["OBX"]["most"], parts["OBX"]["containers"]) == (2, 2, 240)
    assert {row["value"] for row in form["heads"]["version"]} == {"2.5.1"}
    assert {row["value"] for row in form["heads"]["character set"]} == {"UNICODE UTF-8"}
    assert {row["value"] for row in form["heads"]["sender"]} == {"LAB", "NORTH"}
    number = field(form, "PID-3.1")
    assert (number["filled"], number["of"], number["least"], number["most"]) == (120, 120, 2, 2)
    assert (number["shortest"], number["longest"], number["shapes"], number["values"]) == (6, 6, {"digits": 240}, None)
    assert [row["value"] for row in field(form, "PID-3.5")["values"]["shown"]] == ["MR", "SS"]
    assert field(form, "OBX-5")["shapes"] == {"decimal": 240}
    assert field(form, "OBX-6")["values"]["shown"] == [{"value": "mmol/L", "elements": 240}]
    assert field(form, "ZLB-2")["own"]
    assert field(form, "ZLB-2")["fates"].keys() <= {"carried", "uncovered", "dropped"}
    assert [(row["system"], row["local"]) for row in form["systems"]] == [("99LAB", True)]
    traffic = form["traffic"]
    assert (traffic["units"], len(traffic["days"]), traffic["delivered"], traffic["repeated"]) == (120, 24, 120, 0)
    assert {hour: count for hour, count in traffic["by_hour"].items() if count} == {"08": 40, "09": 40, "10": 40}


def test_what_drifted_since_last_week_is_told_with_the_rule(house: House) -> None:
    """The new unit, the lost one, more repeats and the silence are seen; what stayed is not; every kind has its rule."""
    document = house.role("register").document("lab")
    drift = document["drift"]
    found = {(row["kind"], row["what"]) for row in drift["changes"]}
    assert ("new-value", "OBX-6 = mg/dL") in found
    assert ("vanished-value", "OBX-6 = mmol/L") in found
    assert not {what for _, what in found if what.startswith(("PID", "MSH"))}
    assert drift["rules"].keys() == {row["kind"] for row in drift["changes"]}
    assert document["formats"][0]["traffic"]["silences"]["count"] == 1
    assert document["formats"][0]["traffic"]["longest_silences"][0]["from"][:10] == "2026-03-24"


def test_the_difference_between_two_days(house: House) -> None:
    """What came up to one day against what came after it; days the wrong way round, no days and strange days are refused."""
    register = house.role("register")
    found = register.difference("lab", "2026-03-24", "2026-03-31")
    assert (found["before"]["units"], found["after"]["units"]) == (120, 25)
    assert ("new-value", "OBX-6 = mg/dL") in {(row["kind"], row["what"]) for row in found["changes"]}
    assert "OBX-6 = mg/dL" in "\n".join(difference_markdown(found))
    assert register.difference("lab", "2026-03-10", "2026-03-20")["changes"] == []
    for since, until, code in (("2026-03-31", "2026-03-24", "E803"), ("", "", "E802"), ("March", "2026-03-24", "E800")):
        with pytest.raises(Usage) as caught:
            register.difference("lab", since, until)
        assert caught.value.code == code
    with pytest.raises(NotFound):
        register.document("nobody")


def test_a_marked_name_is_in_no_output_and_in_no_table(house: House, tmp_path: Path) -> None:
    """Name, address, narrative, Z-segment: none of it in the document, the Markdown, the difference, the list or the tables themselves."""
    # A name where a code belongs, often enough to be taken for one, is still the name of the unit's own patient.
    for number in range(900, 910):
        accept(house, Envelope(message(number, sex=MARK, unit=MARK), "lab", "hl7v2", at(31, 9))).result()
    process_pending(house)
    register = house.role("register")
    said = [json.dumps(register.document("lab")), "\n".join(document_markdown(register.document("lab")))]
    said += [json.dumps(register.difference("lab", "2026-03-24", "2026-03-31")), json.dumps(register.listing())]
    said.append(str(house.store.read("select * from register_day")))
    for name in ("register_parts", "register_fields", "register_values"):
        _, rows = house.shelf.query(f"select * from {name}")
        assert rows
        said.append(str(rows))
    assert not [text for text in said if MARK in text.upper()]


def test_the_register_is_a_projection(house: House) -> None:
    """A rebuild gives the same rows, and puts right what was changed by hand."""
    answer = rebuild_home(house, repair=False, report=lambda _: None)
    assert answer["same"], answer["differing"]
    assert "register_day" in {line["table"] for line in answer["tables"] if line["rows"]}
    house.store.write(lambda tx: tx.execute("update register_day set sums = json_remove(sums, '$.fields[0]')"))
    assert rebuild_home(house, repair=True, report=lambda _: None)["differing"] == ["register_day"]


def test_one_day_keeps_a_bounded_number_of_values_whatever_the_portions(tmp_path: Path) -> None:
    """A coded field with thousands of values keeps 256 of them, the same ones by one message at a time as all at once."""
    kept = []
    for name, portion in (("one", 1), ("all", 400)):
        home = tmp_path / name
        init_home(home, clock=FrozenClock(at(1))).close()
        house = init_again(home)
        for number in range(400):
            accept(house, Envelope(message(number, unit=f"u{number}"), "lab", "hl7v2", at(1))).result()
            if (number + 1) % portion == 0:
                process_pending(house)
        kept.append(house.store.read("select key, value from register_day, json_each(sums, '$.values.OBX-6')"))
        document = house.role("register").document("lab")["formats"][0]
        assert field(document, "OBX-6")["values"] == {"distinct": f"more than {LISTED}", "shown": [], "rare": None, "others": 800}
        house.close()
    assert kept[0] == kept[1]
    assert len(kept[0]) == KEPT
    assert {elements for _, elements in kept[0]} == {2}


def test_every_format_goes_through_the_same_account() -> None:
    """FHIR resources, C-CDA sections, X12 loops, DICOM tags and table columns are parts and fields like segments are."""
    fhir = {"resourceType": "Bundle", "type": "collection", "entry": []}
    for number in range(4):
        patient = {"resourceType": "Patient", "id": f"p{number}", "gender": "female", "name": [{"family": MARK}]}
        fhir["entry"].append({"resource": patient})  # type: ignore[attr-defined]
    document = feed_document("fhir", sums_of("fhir", json.dumps(fhir).encode()))
    assert field(document, "Patient/gender")["values"]["shown"] == [{"value": "female", "elements": 4}]
    assert field(document, "Patient/name/family")["values"] is None
    table = b"id,sex,name\n" + b"".join(b"%d,F,%s\n" % (number, MARK.encode()) for number in range(5))
    document = feed_document("csv", sums_of("csv", table))
    assert field(document, "row/sex")["values"]["shown"] == [{"value": "F", "elements": 5}]
    assert field(document, "row/name")["values"] is None
    assert MARK not in json.dumps(document)
    assert grammar("dicom")["PatientName"].field == "object/PatientName"
    assert grammar("x12")["2300/CLM[3]-05.1"][:3] == ("2300/CLM[3]", "2300/CLM", "2300/CLM-05.1")
    section = "/ClinicalDocument/component/structuredBody/component[3]/section/entry[2]/act/code/@code"
    assert grammar("ccda").resolve(grammar("ccda")[section], "11450-4").field == "section 11450-4/entry/act/code/@code"


def test_a_table_without_a_heading_shows_no_cell_of_its_first_row() -> None:
    """A first line that holds numbers or dates is a row: its cells are values and never become names of columns."""
    rows = f"{MARK},1931-07-13,F\nx,1931-07-14,M\n".encode()
    document = feed_document("csv", sums_of("csv", rows))
    assert MARK not in json.dumps(document)
    assert {row["field"] for row in document["fields"]} == {"row/#1", "row/#2", "row/#3"}


def test_rare_values_are_counted_and_not_shown() -> None:
    """A code that came once or twice may be anybody's; it is counted as rare."""
    assert listed({"A": 3, "B": 2}, 6) == {"distinct": 2, "shown": [{"value": "A", "elements": 3}], "rare": 1, "others": 3}
    assert listed({}, 6) is None


def test_rare_things_do_not_vanish_and_empty_stretches_are_not_compared() -> None:
    """A field that should hardly have come again is not called vanished; without traffic there is no difference."""
    many = sums_of("hl7v2", *(message(number, extra="ZRR|1" if number == 1 else "") for number in range(40)))
    few = sums_of("hl7v2", *(message(number) for number in range(40, 80)))
    assert not [row for row in changes(many, few) if row["kind"].startswith("vanished")]
    assert changes(Sums(), few) == changes(few, Sums()) == []
    assert {"new-part", "new-field"} <= {row["kind"] for row in changes(few, many)}
