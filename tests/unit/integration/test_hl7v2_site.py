"""A site's overlay: rows added or put in the place of ours, with an owner, and never a change of our tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.integration.overlay import in_force, make, overlaid
from trivet.kernel.errors import Fault
from trivet.wiring.suites import hl7_v2_to_fhir_official_maps as official
from trivet.wiring.workshop import make_formats

FEED = SourceProfile("lab", zone="UTC", system="https://north.example")
RAW = b"MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260301075500+0000||ADT^A08|M1|P|2.5.1\rPID|1||1^^^NORTH^MR||Ode^Ann||19800229|Q\rZPI|gold|7\r"
HEAD = "supersedes,source,when,target,transform,with,must,note,owner,reason,ticket\n"


def put(folder: Path, name: str, text: str) -> str:
    """A file of an overlay; its folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(folder)


def patient(form: Hl7v2Format, profile: SourceProfile = FEED) -> dict[str, object]:
    """What the message says of the patient."""
    return next(r.resource for r in form.translate(RAW, profile).records if r.resource["resourceType"] == "Patient")


def test_a_row_supersedes_and_a_row_adds(tmp_path: Path) -> None:
    """Q is unknown with us and other at this site; the rule carries the ticket; nothing else changes, here or without the overlay."""
    folder = put(tmp_path, "segments/PID_Patient.csv", HEAD + "PID-8>gender,PID-8,,gender,=,other,,,J. Doe,Q means other here,CHG-1\n")
    put(
        tmp_path,
        "codes/0001_AdministrativeSex.csv",
        "supersedes,source,system,code,display,owner,reason,ticket\n,Q,,other,,J. Doe,ours,CHG-2\n",
    )
    form = Hl7v2Format(folder)
    told = form.translate(RAW, FEED)
    record = next(record for record in told.records if record.resource["resourceType"] == "Patient")
    assert record.resource["gender"] == "other"
    assert [span.rule for span in record.spans if span.path == "gender"] == ["PID_Patient/PID-8@CHG-1"]
    assert "gender" not in patient(Hl7v2Format())
    assert patient(form) == record.resource
    assert in_force() is None


def test_a_feed_may_name_its_own_overlay(tmp_path: Path) -> None:
    """A code that only this feed sends is understood for this feed alone, with our own row for everything else."""
    folder = put(
        tmp_path, "codes/0001_AdministrativeSex.csv", "supersedes,source,system,code,display,owner,reason,ticket\n,Q,,other,,J,r,C-2\n"
    )
    assert patient(Hl7v2Format(), SourceProfile("lab", options={"maps_dir": folder}))["gender"] == "other"
    assert "gender" not in patient(Hl7v2Format())


def test_a_table_of_the_site_alone(tmp_path: Path) -> None:
    """A Z-segment gets a map of its own and a row in the plan: it is mapped, no longer only carried."""
    put(tmp_path, "segments/ZPI_Patient.csv", HEAD + ",ZPI-1,,extension{v2-patient-type}.valueString,string,,,,J,loyalty,C-3\n")
    plan = "supersedes,messages,but,segment,when,resource,label,map,mode,home,key,links,owner,reason,ticket\n"
    folder = put(tmp_path, "messages.csv", plan + ",*,,ZPI,,Patient,,ZPI_Patient,last,,,,J,loyalty,C-3\n")
    told = Hl7v2Format(folder).translate(RAW, FEED)
    assert {e.locator: e.disposition for e in told.elements if e.locator.startswith("ZPI")} == {
        "ZPI[1]-1[1]": "mapped",
        "ZPI[1]-2[1]": "uncovered",
    }
    assert patient(Hl7v2Format(folder))["extension"] == [{"url": "urn:trivet:hl7v2:patient-type", "valueString": "gold"}]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("PID-8>sex,PID-8,,gender,=,other,,,J,r,C\n", "supersedes a row that is not there"),
        (",PID-8,,gender,=,other,,,,r,C\n", "nobody to answer"),
        (",PID-8,,gender,=,other,,,J,,C\n", "nobody to answer"),
        (",PID-8,,gender,=,other,,,J,r,\n", "nobody to answer"),
    ],
)
def test_a_row_that_fits_nowhere_or_has_no_owner_stops(tmp_path: Path, row: str, what: str) -> None:
    """A broken overlay is never half used: it stops the work and says which file."""
    folder = put(tmp_path, "segments/PID_Patient.csv", HEAD + row)
    with pytest.raises(Fault) as raised:
        Hl7v2Format(folder).translate(RAW, FEED)
    assert (raised.value.code, what in raised.value.what) == ("E214", True)
    assert "PID_Patient" in raised.value.where


def test_a_table_where_we_have_none(tmp_path: Path) -> None:
    """A file in a folder that no table is read from is a slip, and said."""
    with pytest.raises(Fault) as raised:
        Hl7v2Format(put(tmp_path, "segment/PID_Patient.csv", HEAD)).translate(RAW, FEED)
    assert raised.value.code == "E214"


def test_a_home_reads_its_own_overlay(tmp_path: Path) -> None:
    """`site/hl7v2` of a home is in force for its HL7 v2 feeds; a home without one uses the shipped tables."""
    put(tmp_path / "site/hl7v2", "segments/PID_Patient.csv", HEAD + "PID-8>gender,PID-8,,gender,=,other,,,J,r,C-1\n")
    with_own, without = make_formats({}, str(tmp_path))["hl7v2"], make_formats({}, str(tmp_path / "elsewhere"))["hl7v2"]
    assert [
        next(iter(r.resource.get("gender", "") for r in f.translate(RAW, FEED).records if r.key.startswith("Patient")))
        for f in (with_own, without)
    ] == [
        "other",
        "",
    ]


def test_rows_keep_their_places_and_names() -> None:
    """The second of two rows of one name is superseded by its number; what is added stands behind ours."""
    ours = [{"source": "A", "target": "x"}, {"source": "A", "target": "x"}, {"source": "B", "target": "y"}]
    site = make(
        {
            "p": (
                {"supersedes": "A>x#2", "source": "C", "owner": "o", "reason": "r", "ticket": "t"},
                {"source": "D", "owner": "o", "reason": "r", "ticket": "t"},
            )
        }
    )
    assert site is not None
    assert [row["source"] for row in overlaid("hl7v2/segments/S.csv", ours, site.rows["p"])] == ["A", "C", "B", "D"]


def test_the_account_of_published_rows_names_what_is_there() -> None:
    """Each published row is implemented by a row, table or transform of ours, or has a reason why not; none is left open."""
    assert official.unsound() == []
    rows = official.account()
    assert len({row[:5] for row in rows}) == len(rows) > 1800
    assert all(len(row.answer) > 15 for row in rows if row.state != "implemented")
