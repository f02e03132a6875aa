"""Tables: no byte of a file is lost, cells keep their digits and their bytes, one bad row is refused alone, drift is said."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.table import TableFormat
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
    """Mapped, dropped by its rule, carried with a notice, or uncovered."""
    second = form.translate(list(form.split(ROWS))[1].raw, PROFILE)
    fates = {element.locator: element.disposition for element in second.elements}
    assert fates == {"c=id": "mapped", "c=ward": "mapped", "c=at": "mapped", "c=kind": "carried", "c=extra": "uncovered"}
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
    assert found.rejects[0].code == "E228"


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
