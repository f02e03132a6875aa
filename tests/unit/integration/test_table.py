"""Tables: no byte of a file is lost, cells keep their digits and their bytes, one bad row is refused alone, drift is said."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.table import TableFormat
from trivet.kernel.errors import Fault
from trivet.testing.kits.format import FormatKit

MAP = """table,record,source,target,how,with,when,must
ward,Observation,id,id,,,,yes
ward,Observation,=final,status,,,,
ward,Observation,ward,subject,reference,Location,,yes
ward,Observation,taken,valueQuantity.value,decimal,,taken present,
ward,Observation,at,effectiveDateTime,dateTime,,,yes
ward,Observation,kind,code.text,map,B=beds;N=nurses,,
ward,,spare,-,,,,
"""
ROWS = (
    b"\xef\xbb\xbfid,ward,taken,at,kind,spare,extra\r\n1,4W,12.50,2026-03-01 08:00,B,x,\r\n"
    b'2,"4,W ""a""",,2026-03-01T08:00:00Z,Q,,y\r\n\r\n3,5E,many,2026-03-01 08:00,N,,\r\n4,5E,1,yesterday,N,,\r\n'
)


@pytest.fixture
def form(tmp_path: Path) -> TableFormat:
    """The format with one map of a site."""
    (tmp_path / "ward.csv").write_text(MAP)
    return TableFormat(str(tmp_path))


PROFILE = SourceProfile("beds", "csv", zone="America/Chicago", table="ward")


def test_a_row_becomes_records_that_name_their_bytes(form: TableFormat) -> None:
    """The decimal keeps its digits, the time gets the feed's offset, and every span re-reads to the cell."""
    unit = next(form.split(ROWS))
    (record,) = form.translate(unit.raw, PROFILE).records
    assert record.resource["valueQuantity"]["value"] == Decimal("12.50")
    assert str(record.resource["valueQuantity"]["value"]) == "12.50"
    assert record.resource["effectiveDateTime"] == "2026-03-01T08:00:00-06:00"
    assert record.resource["code"] == {"text": "beds"}
    assert {unit.raw[span.offset : span.offset + span.length] for span in record.spans} == {
        b"1",
        b"4W",
        b"12.50",
        b"2026-03-01 08:00",
        b"B",
    }


def test_every_cell_is_accounted_for_once(form: TableFormat) -> None:
    """Mapped, dropped by its rule, or uncovered: a word that the map lacks is noticed and never guessed."""
    second = form.translate(list(form.split(ROWS))[1].raw, PROFILE)
    fates = {element.locator: element.disposition for element in second.elements}
    assert fates == {"c=id": "mapped", "c=ward": "mapped", "c=at": "mapped", "c=kind": "uncovered", "c=extra": "uncovered"}
    assert [notice.kind for notice in second.notices] == ["unknown-code"]
    assert second.records[0].resource["id"] != form.translate(next(form.split(ROWS)).raw, PROFILE).records[0].resource["id"]


def test_one_bad_row_is_refused_alone(form: TableFormat) -> None:
    """A word where a number belongs, and a day that is none: each rejected with its cell, the others stand."""
    found = [form.translate(unit.raw, PROFILE) for unit in form.split(ROWS)]
    assert [len(one.records) for one in found] == [1, 1, 0, 0]
    assert [one.rejects[0].locator for one in found[2:]] == ["c=taken", "c=at"]


def test_a_renamed_column_is_drift_and_not_silence(form: TableFormat) -> None:
    """A header that fits no table of the map is refused, with the reason."""
    (unit,) = form.split(b"id,unit,taken,at\n1,4W,2,2026-03-01\n")
    found = form.translate(unit.raw, PROFILE)
    assert found.records == ()
    assert found.rejects[0].code == "table-drift"


@given(st.binary(max_size=400))
def test_no_byte_of_a_file_is_lost_and_nothing_raises(raw: bytes) -> None:
    """The pieces of all units cover every byte of any file, and every unit is answered."""
    form = TableFormat()
    covered = bytearray(len(raw))
    for unit in form.split(raw):
        assert b"".join(raw[piece.offset : piece.offset + piece.length] for piece in unit.pieces) == unit.raw
        for piece in unit.pieces:
            covered[piece.offset : piece.offset + piece.length] = b"\1" * piece.length
        form.translate(unit.raw, PROFILE)
    assert all(covered)


def test_the_kit_for_formats_holds(form: TableFormat) -> None:
    """The conformance kit that any format must pass."""
    kit = FormatKit(form, PROFILE)
    kit.check(ROWS)
    kit.torture([ROWS], rounds=200, seed=7)


def test_a_quote_opens_only_where_a_cell_begins(form: TableFormat) -> None:
    """Inches in the middle of a cell are text; a quote that never closes costs its own row and no other."""
    raw = b'id,ward,at\n1,5" tube,2026-03-01\n2,"4W,2026-03-01\n3,"a\nb",2026-03-02\n'
    found = [form.translate(unit.raw, PROFILE) for unit in form.split(raw)]
    assert [len(one.records) for one in found] == [1, 0, 1]
    assert found[1].rejects[0].code == "table-cell"
    assert [unit.raw.count(b"\n") for unit in form.split(raw)] == [2, 2, 3]


def test_columns_of_one_name_are_told_apart(form: TableFormat) -> None:
    """The second column of a name, and one without a name, are cells of their own and uncovered."""
    (unit,) = form.split(b"id,ward,at,id,\n1,4W,2026-03-01,7,x\n")
    fates = {element.locator: element.disposition for element in form.translate(unit.raw, PROFILE).elements}
    assert fates == {"c=id": "mapped", "c=ward": "mapped", "c=at": "mapped", "c=id#2": "uncovered", "c=#5": "uncovered"}


def test_list_elements_that_stay_empty_are_closed_up(tmp_path: Path) -> None:
    """A record has no hole where an optional cell is empty, and its span names the place where the value stands."""
    (tmp_path / "people.csv").write_text(
        "table,record,source,target,how,with,when,must\n"
        "people,Patient,a,id,,,,yes\n"
        "people,Patient,b,identifier[0],identifier,b,,\n"
        "people,Patient,c,identifier[1],identifier,c,,\n"
        "people,Patient,d,name[1].given[2],,,,\n"
    )
    (record,) = TableFormat(str(tmp_path)).translate(b"a,b,c,d\n1,,9,Zoe\n", SourceProfile("people", "csv")).records
    assert [one["value"] for one in record.resource["identifier"]] == ["9"]
    assert record.resource["name"] == [{"given": ["Zoe"]}]
    assert {span.path for span in record.spans} == {"id", "identifier[0].value", "name[0].given[0]"}


def test_the_map_is_found_by_its_header_and_drift_names_the_columns(form: TableFormat, tmp_path: Path) -> None:
    """Without a table in the profile the header chooses; a renamed column is named; `options.maps_dir` comes first."""
    nobody = SourceProfile("nobody", "csv", zone="UTC")
    assert form.translate(b"id,ward,at\n1,4W,2026-03-01\n", nobody).records
    assert "organizations" in TableFormat().translate(b"Id,NAME,ADDRESS\n1,a,b\n", nobody).rejects[0].reason
    found = form.translate(b"id,ward,when\n1,4W,2026-03-01\n", PROFILE)
    assert found.rejects[0].reason.endswith("which needs the columns at")
    feed = SourceProfile("nobody", "csv", zone="UTC", options={"maps_dir": str(tmp_path)})
    assert TableFormat().translate(b"id,ward,at\n1,4W,2026-03-01\n", feed).records


@pytest.mark.parametrize(("sign", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\r"), ("|", "\n")])
def test_any_delimiter_and_line_end(form: TableFormat, sign: str, end: str) -> None:
    """The same rows, however they are written."""
    raw = end.join(sign.join(row) for row in (["id", "ward", "at"], ["1", f'"4{sign}W"', "2026-03-01"], ["2", "5E", "2026-03-01"])).encode()
    found = [form.translate(unit.raw, PROFILE) for unit in FormatKit(form, PROFILE).check_nothing_lost(raw)]
    assert [len(one.records) for one in found] == [1, 1]


@pytest.mark.long
@pytest.mark.corpora
def test_every_cell_of_synthea_is_accounted_for(corpora: Path) -> None:
    """Eighteen tables by the shipped map: no row rejected, and as many elements as a reader of the standard library finds cells."""
    form, profile = TableFormat(), SourceProfile("synthea", "csv", table="synthea")
    for path in sorted((corpora / "synthea-csv-27-patients/seeds/synthea").glob("*.csv")):
        raw = path.read_bytes()
        found = [form.translate(unit.raw, profile) for unit in form.split(raw)]
        _, *lines = csv.reader(io.StringIO(raw.decode()))
        assert sum(len(one.elements) for one in found) == sum(bool(cell) for line in lines for cell in line), path.name
        assert not any(one.rejects for one in found), path.name
        assert not any(element.disposition == "uncovered" for one in found for element in one.elements), path.name


def test_a_code_gets_no_system_that_its_check_digit_does_not_say(tmp_path: Path) -> None:
    """A column of mixed codes: SNOMED CT by its check digit, a code of RxNorm or CVX without a system and counted, its bytes named."""
    head = "table,record,source,target,how,with,when,must\n"
    mixed = "lines,Basic,id,id,,,,yes\nlines,Basic,code,code.coding[0],coding,http://snomed.info/sct http://loinc.org,,\n"
    (tmp_path / "lines.csv").write_text(head + mixed)
    feed = SourceProfile("nobody", "csv", zone="UTC", table="lines", options={"maps_dir": str(tmp_path)})
    codes = ("185349003", "8302-2", "314076", "140")
    found = [TableFormat().translate(f"id,code\n1,{code}\n".encode(), feed) for code in codes]
    given = [one.records[0].resource["code"]["coding"][0] for one in found]
    assert [one["code"] for one in given] == list(codes)
    assert [one.get("system") for one in given] == ["http://snomed.info/sct", "http://loinc.org", None, None]
    noticed = [[(said.kind, said.code) for said in one.notices] for one in found]
    assert noticed == [[], [], [("unknown-system", "314076")], [("unknown-system", "140")]]
    assert [span.path for span in found[2].records[0].spans] == ["id", "code.coding[0].code"]
    (tmp_path / "others.csv").write_text(head + mixed.replace("http://loinc.org", "urn:other"))
    other = SourceProfile("nobody", "csv", zone="UTC", table="others", options={"maps_dir": str(tmp_path)})
    with pytest.raises(Fault):
        TableFormat().translate(b"id,code\n1,140\n", other)
