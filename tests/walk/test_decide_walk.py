"""One decision on a real home, through the command line: bytes in, records, features, gate, NEWS2, ledger, answer."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from trivet.cli.main import main
from trivet.contracts.governance import Evidence, Release
from trivet.flows.found import found
from trivet.flows.receive import Delivery, receive
from trivet.kernel.digest import digest
from trivet.kernel.resources import text
from trivet.models.registry import adopt
from trivet.wiring.build import init_home, open_home
from trivet.wiring.settings import Source, add_source

NOW = "2026-03-01T08:00:00.000000Z"
SIGNS = {
    "9279-1": (26, "/min"),
    "59408-5": (91, "%"),
    "8310-5": (38.5, "Cel"),
    "8480-6": (95, "mm[Hg]"),
    "8867-4": (112, "/min"),
    "3151-8": (2, "L/min"),
}


def bundle() -> bytes:
    """A patient who is not well, in our own words: no consciousness recorded."""
    about = {"reference": "Patient/x1"}
    entries = [
        {
            "resource": {
                "resourceType": "Patient",
                "id": "x1",
                "identifier": [{"system": "urn:mrn", "value": "77"}],
                "birthDate": "1950-02-03",
            }
        }
    ]
    for number, (code, (value, unit)) in enumerate(SIGNS.items()):
        quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        what = {"coding": [{"system": "http://loinc.org", "code": code}]}
        one = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": what, "subject": about}
        entries.append({"resource": {**one, "effectiveDateTime": "2026-03-01T07:30:00Z", "valueQuantity": quantity}})
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def item(release: Release, requirement: str) -> Evidence:
    """Passing evidence."""
    numbers = ("auroc", "0.8", "0.7", "0.9", 900, 200, "pass", digest("d"), digest("q"), digest("c"))
    times = ("0.7", "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z", "c.mbeki", NOW, "")
    kind = "A" if requirement == "intended-use" else "M"
    return Evidence(requirement, kind, release.model, release.version, release.digest, "site", "", *numbers, *times)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one patient and NEWS2 live."""
    made = tmp_path / "home"
    init_home(made, synthetic=True, today=NOW).close()
    add_source(made, "ehr", Source(format="fhir"))
    adopt("news2", "1.0.0", made / "models")
    house = open_home(made)
    receive(house, [Delivery(bundle(), "ehr", "fhir", "one.json")])
    release = house.registry.manifest("news2", "1.0.0").release("k.datta")
    staff = tomllib.loads(text("trivet.maps", "governance", "staff-sample.toml"))
    staff = {"people": staff["people"], "seats": {"news2": staff["seats"]["news2"]}, "models": {"news2": staff["models"]["news2"]}}
    found(house, staff, [release], [item(release, one) for one in ("intended-use", "local-validity", "subgroup-validity")])
    house.close()
    return made


def asked(home: Path, capsys: pytest.CaptureFixture[str], person: str, *more: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    """Exit code and the answer."""
    with pytest.raises(SystemExit) as done:
        main(["decide", "--use", "deterioration", "--person", person, "--home", str(home), "--json", *more])
    return int(done.value.code or 0), json.loads(capsys.readouterr().out)


def test_a_decision_from_bytes_to_answer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Abstained without consciousness (and it says which input); changed model bytes are refused; a stranger is not found."""
    house = open_home(home)
    [person] = {row[0] for row in house.shelf.query("select person from records where person is not null")[1]}
    house.close()
    code, answer = asked(home, capsys, person)
    assert (code, answer["outcome"]) == (4, "abstained")
    assert answer["withheld"]["failed"] == ["missing:consciousness"]
    with pytest.raises(SystemExit):
        main(["suspend", "news2", "--drill", "--home", str(home), "--json"])
    drilled = json.loads(capsys.readouterr().out)
    assert (drilled["result"], drilled["n"], drilled["events"]) == ("fail", 1, 0)
    with (home / "models/news2/1.0.0/table.yaml").open("ab") as file:
        file.write(b"#")
    code, answer = asked(home, capsys, person)
    assert (code, answer["outcome"], answer["withheld"]["failed"]) == (3, "withheld", ["artefact"])
    assert asked(home, capsys, "p-nobody")[0] == 5
    assert asked(home, capsys, person, "--at", "yesterday")[0] == 2
    house = open_home(home)
    columns = "decision_id, use, model, person, outcome, mode"
    rows = house.shelf.query(f"select {columns} from decisions order by seq")[1]
    assert rows == [
        ("D-000001", "deterioration", "news2", person, "abstained", "active"),
        ("D-000002", "deterioration", "news2", person, "withheld", "active"),
    ]
    assert [entry["notes"]["failed"] for _, entry in house.ledger.find("denial")] == ["missing:consciousness", "artefact"]
    house.close()
