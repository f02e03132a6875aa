"""Quality checks on an engine: counts and rows of every check are those of one process, whatever the parts and their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from trivet.cli.main import cli
from trivet.contracts.house import House
from trivet.data.checklist import shipped_checks
from trivet.data.counting import Counted, Row, added, cuts
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Usage
from trivet.testing.hospital import generate
from trivet.wiring.build import init_home, open_home
from trivet.wiring.bulk_checks import SpreadCounting
from trivet.wiring.demo import make_home
from trivet.wiring.engines import open_engine

NOW = "2026-03-01T00:00:00.000000Z"
SSN = "http://hl7.org/fhir/sid/us-ssn"
MRN = {"system": "urn:mrn", "value": "4711", "type": {"coding": [{"code": "MR"}]}}


class Backwards:
    """An engine in this process that answers the last file first."""

    def __init__(self) -> None:
        self.parts = 0

    def spread(self, files: Sequence[str], work: Any, shape: pa.Schema, into: str) -> None:
        """Each file's answer is a file of its own."""
        Path(into).mkdir()
        for file in reversed(files):
            self.parts += 1
            for answer in work(iter(pyarrow.parquet.read_table(file).to_batches())):
                pyarrow.parquet.write_table(pa.Table.from_batches([answer], shape), f"{into}/part-{self.parts}.parquet")


def of(kind: str, ident: str, **more: Any) -> dict[str, Any]:
    """A resource about nobody in particular."""
    return {"resourceType": kind, "id": ident} | more


def patient(ident: str, born: str = "1961-04-17", **more: Any) -> dict[str, Any]:
    """A Patient."""
    return of("Patient", ident, name=[{"family": f"Fam{ident}", "given": ["Ann"]}], birthDate=born, gender="female") | more


def result(ident: str, about: str, value: float, unit: str | None = "mg/dL", **more: Any) -> dict[str, Any]:
    """An Observation of creatinine."""
    coding = [{"system": "urn:lab", "code": "CREA"}, {"system": "http://loinc.org", "code": "2160-0"}]
    held = of("Observation", ident, status="final", subject={"reference": f"Patient/{about}"}, code={"coding": coding})
    return (
        held
        | {"effectiveDateTime": "2026-02-01T08:00:00-06:00", "valueQuantity": {"value": value} | ({"unit": unit} if unit else {})}
        | more
    )


def stay(ident: str, about: str, start: str, end: str) -> dict[str, Any]:
    """An Encounter."""
    about_it = {"subject": {"reference": f"Patient/{about}"}, "class": {"code": "IMP"}, "period": {"start": start, "end": end}}
    return of("Encounter", ident, status="finished") | about_it


def planted() -> list[dict[str, Any]]:
    """Faults of many checks: gaps, empty lists, two zones, a value of many digits, persons at odds, what speaks of nobody."""
    return [
        *(result(f"o{number}", "abc"[number % 3], 1 + number / 10) for number in range(60)),
        patient("a", deceasedDateTime="2026-01-01T23:30:00-05:00", identifier=[]),
        patient("b", "1999-09-09"),
        patient("c", "1900-01-01"),
        patient("d", identifier=[MRN, {"system": SSN, "value": "444-22-2223"}], name=[{"family": "Fam", "given": ["Ann"]}]),
        patient("e", identifier=[MRN, {"system": SSN, "value": "583508591"}], name=[{"family": "Fam", "given": ["Ann"]}], gender="male"),
        result("mixed", "b", 97.000000000000001),
        result("bare", "b", 1.0, None),
        result("blorp", "b", 1.0, "blorp"),
        result("early", "b", 1.0, effectiveDateTime="1990-01-01"),
        result("future", "b", 1.0, effectiveDateTime="2027-01-01T00:00:00+14:00"),
        result("nobody", "zz", 1.0),
        result("lost", "b", 1.0, encounter={"reference": "Encounter/none"}),
        result("own", "b", 3, code={"coding": [{"system": "urn:lab", "code": "XYZ"}]}),
        stay("s1", "b", "2026-01-05T10:00:00Z", "2026-01-07T10:00:00Z"),
        stay("s2", "b", "2026-01-05T10:20:00Z", "2026-01-06T10:00:00Z"),
        stay("s3", "c", "2026-01-09T10:00:00Z", "2026-01-08T10:00:00Z"),
        of("Condition", "k", subject={"reference": "Patient/b"}, code={"text": "tired"}),
    ]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home in which many checks have something to find."""
    init_home(tmp_path / "home", clock=FrozenClock(NOW)).close()
    house = open_home(tmp_path / "home", clock=FrozenClock(NOW))
    receive(house, [Delivery("".join(json.dumps(one) + "\n" for one in planted()).encode(), "ehr", "fhir", "export.ndjson")])
    (Path(house.home) / "site" / "checks.csv").write_text("check,threshold\n" + "".join(f"{one.check},0.9\n" for one in structure()))
    yield house
    house.close()


def structure() -> list[Any]:
    """The checks that others rest on: let pass, so that all are measured."""
    return [check for check in shipped_checks() if check.stage == "structure"]


def same(house: House, by: Any) -> dict[str, int]:
    """Every check here and there: the same verdicts, the same rows with the same reasons. How many rows break each."""
    checks: Any = house.checks
    names = [check.check for check in shipped_checks()]
    here = checks.opened(names)
    assert checks.opened(names, by=by) == here
    assert checks.run(None, by) == checks.run()
    assert not list(Path(house.home).glob(".checks*"))
    return {name: len(rows) for name, rows in here.items()}


def test_parts_of_a_home_give_the_counts_and_rows_of_the_whole(house: House) -> None:
    """All checks over a home with many faults, in parts that are answered last first; nothing is left. What is small is not cut."""
    engine, folder = Backwards(), Path(house.home) / ".checks.spool"
    found = same(house, SpreadCounting(engine, folder, 3, rows=1))  # type: ignore[arg-type]
    assert engine.parts == 9
    hit = {name for name, rows in found.items() if rows}
    assert hit >= {"unit-mixed-up", "unit-missing", "unit-unknown", "code-unmapped", "diagnosis-unmapped", "event-before-birth"}
    assert hit >= {"event-after-death", "event-in-future", "encounter-duplicate", "encounter-order", "person-placeholder", "record-orphan"}
    assert "person-conflict" in hit
    assert same(house, SpreadCounting(engine, folder, 2)) == found  # type: ignore[arg-type]


def test_every_relation_of_every_check_is_cut_or_goes_whole() -> None:
    """What a check reads is what the approved table cuts, nothing more and nothing less: a relation that is forgotten would break it."""
    assert set(cuts()) == {check.check for check in shipped_checks()}
    for check in shipped_checks():
        text = re.sub(r"--.*", "", check.sql)
        made = {name.lower() for name in re.findall(r"(\w+) AS \(", text)}
        read = set(re.findall(r"(?<!DISTINCT )\b(?:FROM|JOIN)\s+([a-z_]+)", text)) - made
        assert {cut.relation for cut in cuts()[check.check]} == read, check.check


def test_a_part_that_breaks_breaks_its_check() -> None:
    """Counts of parts are added and their rows put in order; one broken part, or none at all, is never a count."""
    rows = [Row("b", None, 3, "x"), Row("a", "p", None, None), Row("a", "p", 3, "x")]
    some, more = Counted(2, 5, 0, rows[:2]), Counted(1, 4, 1, rows[2:])
    assert added([some, more], 2) == Counted(3, 9, 1, [rows[2], rows[0]])
    assert added([some, Counted(broken=True)], 9).broken
    assert added([], 9).broken


def test_what_cannot_be_counted_says_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relation that a part does not have: the check is in error there, as it would be here."""
    monkeypatch.setitem(cuts(), "unit-unknown", ())
    checks: Any = house.checks
    by = SpreadCounting(Backwards(), Path(house.home) / ".checks.spool", 2)  # type: ignore[arg-type]
    said = {one.check: one.verdict for one in checks.run(None, by)}
    assert said["unit-unknown"] == "error"
    assert said["encounter-order"] == "fail"


def test_an_engine_that_runs_no_code_of_ours_is_refused(house: House) -> None:
    """SQL alone does not make it: E358, and no run is written down."""
    home = house.home
    house.close()
    done = CliRunner().invoke(cli, ["check", "--engine", "reference", "--home", str(home)])
    assert isinstance(done.exception, Usage)
    assert done.exception.code == "E358"


@pytest.mark.long
def test_spark_gives_the_rows_of_one_process(tmp_path: Path) -> None:
    """A sample hospital with its planted faults, on two cores of Spark and in an engine here: row for row."""
    pytest.importorskip("pyspark", reason="make spark")
    house = make_home(tmp_path / "home")
    sent = generate(100, today="2026-06-30", start="2026-05-31")
    receive(house, (Delivery(one.payload, one.source, one.format, one.filename) for one in sent))
    folder = Path(house.home) / ".checks.spool"
    engine = open_engine("spark", master="local[2]")
    try:
        assert sum(same(house, SpreadCounting(engine, folder, 4, rows=100)).values()) > 0  # type: ignore[arg-type]
    finally:
        engine.close()
        house.close()
