"""Quality checks over a real home: each planted fault is found, its rows are named, and clean data pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from trivet.contracts.house import House
from trivet.contracts.verdict import CheckVerdict
from trivet.data.checklist import STAGES, shipped_checks
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import listing, text
from trivet.wiring.build import init_home, open_home

NOW = "2026-03-01T00:00:00.000000Z"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A fresh home."""
    init_home(tmp_path / "home", clock=FrozenClock(NOW)).close()
    house = open_home(tmp_path / "home", clock=FrozenClock(NOW))
    yield house
    house.close()


def patient(name: str, born: str = "1961-04-17", **more: Any) -> dict[str, Any]:
    """A Patient."""
    return {
        "resourceType": "Patient",
        "id": name,
        "name": [{"family": f"Fam{name}", "given": ["Ann"]}],
        "birthDate": born,
        "gender": "female",
    } | more


def result(name: str, about: str, value: float | int, unit: str | None = "mg/dL", code: str = "2160-0", **more: Any) -> dict[str, Any]:
    """An Observation under a LOINC code."""
    quantity: dict[str, Any] = {"value": value} | ({"unit": unit} if unit else {})
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "subject": {"reference": f"Patient/{about}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": "2026-02-01T08:00:00Z",
        "valueQuantity": quantity,
    } | more


def take(house: House, *resources: dict[str, Any]) -> None:
    """Receive these as one NDJSON file."""
    raw = "".join(json.dumps(resource) + "\n" for resource in resources).encode()
    receive(house, [Delivery(raw, "ehr", "fhir", "export.ndjson")])


def run(house: House) -> dict[str, CheckVerdict]:
    """All verdicts by check."""
    return {verdict.check: verdict for verdict in house.checks.run()}


def test_every_check_has_its_file_and_every_file_its_check() -> None:
    """The table of checks and the folder of queries are the same list."""
    assert {f"{check.check}.sql" for check in shipped_checks()} == set(listing("trivet.data", "sql/checks", ".sql"))


def test_clean_data_pass_and_nothing_is_an_error(house: House) -> None:
    """No check breaks on ordinary data, and what has nothing to speak of says so."""
    take(house, patient("a"), *(result(f"o{number}", "a", 1.0 + number / 10) for number in range(20)))
    verdicts = run(house)
    assert {name for name, verdict in verdicts.items() if verdict.verdict == "error"} == set()
    assert {name for name, verdict in verdicts.items() if verdict.verdict == "fail"} == set()
    assert verdicts["remit-unbalanced"].verdict == "not-applicable"
    assert verdicts["unit-mixed-up"].verdict == "pass"


def test_micromoles_labelled_milligrams_are_found(house: House) -> None:
    """97 mg/dL of creatinine is impossible, and usual in umol/L."""
    take(house, patient("a"), *(result(f"o{number}", "a", 1.1) for number in range(20)), result("bad", "a", 97))
    verdict = run(house)["unit-mixed-up"]
    assert (verdict.verdict, verdict.failing, verdict.total) == ("fail", 1, 21)
    [row] = house.checks.rows("unit-mixed-up")  # type: ignore[attr-defined]
    assert row["why"] == "2160-0 in mg/dL would be usual in umol/L"
    assert verdict.rows == (row["record"],)


def test_fahrenheit_labelled_celsius_is_found(house: House) -> None:
    """An offset scale is tried as well."""
    take(house, patient("a"), result("t", "a", 98.6, "Cel", "8310-5"))
    assert run(house)["unit-mixed-up"].failing == 1


def test_potassium_mapped_to_sodium_is_found_as_a_wrong_map(house: House) -> None:
    """Most values of one local code have no place under the standard code; the other code's values are left alone."""

    def two(name: str, value: float, local: str) -> dict[str, Any]:
        coding = [{"system": "urn:lab", "code": local}, {"system": "http://loinc.org", "code": "2951-2"}]
        return result(name, "a", value, "mmol/L") | {"code": {"coding": coding}}

    take(
        house,
        patient("a"),
        *(two(f"n{number}", 138 + number % 5, "NA") for number in range(10)),
        *(two(f"k{number}", 4.1, "KPOC") for number in range(8)),
    )
    verdict = run(house)["code-distribution"]
    assert (verdict.verdict, verdict.failing) == ("fail", 8)
    assert "KPOC" in house.checks.rows("code-distribution")[0]["why"]  # type: ignore[attr-defined]


def test_missing_unknown_and_unmapped_are_counted(house: House) -> None:
    """A number without unit where others have one, a unit nobody approved, a code nobody mapped."""
    local = {"code": {"coding": [{"system": "urn:lab", "code": "XYZ", "display": "Xyz"}]}}
    take(
        house,
        patient("a"),
        result("u", "a", 1.0, None),
        result("v", "a", 1.2),
        result("w", "a", 1.0, "blorp"),
        result("x", "a", 3) | local,
    )
    verdicts = run(house)
    assert [verdicts[name].failing for name in ("unit-missing", "unit-unknown", "code-unmapped")] == [1, 1, 1]


def test_times_that_cannot_be(house: House) -> None:
    """Before birth, after death, after today."""
    take(
        house,
        patient("a", deceasedDateTime="2026-01-01T00:00:00Z"),
        patient("b", "1999-09-09"),
        result("late", "a", 1.0),
        result("early", "b", 1.0, effectiveDateTime="1990-01-01T00:00:00Z"),
        result("future", "b", 1.0, effectiveDateTime="2027-01-01T00:00:00Z"),
    )
    verdicts = run(house)
    assert [verdicts[name].failing for name in ("event-before-birth", "event-after-death", "event-in-future")] == [1, 1, 1]


def test_placeholders_and_conflicts_of_persons(house: House) -> None:
    """A birth date of 1900 is named; two sources that disagree about sex are both in view."""
    both = {"identifier": [{"system": "urn:mrn", "value": "4711", "type": {"coding": [{"code": "MR"}]}}]}
    take(
        house,
        patient("a", "1900-01-01"),
        patient("c", **both),
        patient("d", **both) | {"name": [{"family": "Famc", "given": ["Ann"]}], "gender": "male"},
    )
    verdicts = run(house)
    assert verdicts["person-placeholder"].failing == 1
    assert verdicts["person-conflict"].failing == 2


@pytest.mark.parametrize(("now", "silent"), [("2026-03-04T12:00:00", []), ("2026-03-07T12:00:00", ["source/weekly"])])
def test_a_weekly_file_is_not_silent_between_its_files(now: str, silent: list[str]) -> None:
    """A file a week, fifty rows from Monday to Thursday, no expectation said: on the sixth day after its last row it keeps its habit, on
    the ninth it does not. Messages that bear their own time are judged one by one, though they were taken in together."""
    with duckdb.connect() as engine:
        engine.execute(f"create table today as select '{now}' as now_text")
        engine.execute("create table sources as select 'weekly' as source, 0 as expected_every union all select 'hourly', 0")
        engine.execute(
            "create table seen_message as select w * 50 + r as receipt, 'weekly' as source, null::timestamp as sent_at,"
            " timestamp '2026-01-02 10:00:00' + interval 7 day * w as received_at,"
            " timestamp '2025-12-29 09:00:00' + interval 7 day * w + interval 90 minute * r as spoke_at"
            " from range(9) as a(w), range(50) as b(r)"
        )
        engine.execute(
            "insert into seen_message select 1000 + n, 'hourly', t, timestamp '2026-03-04 12:00:00', t from (select n,"
            f" timestamp '{now}' - interval 1 hour * n as t from range(300) as c(n))"
        )
        found = engine.execute(f"select record from ({text('trivet.data', 'sql/checks', 'feed-silent.sql')}) where breaks").fetchall()
    assert [record for (record,) in found] == silent


def test_two_social_security_numbers_of_one_person_are_a_conflict(house: House) -> None:
    """Both records are named with their source and what they disagree about; `UNK` in the place of a number is no number."""
    mrn = {"system": "urn:mrn", "value": "4711", "type": {"coding": [{"code": "MR"}]}}

    def bearing(name: str, number: str) -> dict[str, Any]:
        made = patient(name, identifier=[mrn, {"system": "http://hl7.org/fhir/sid/us-ssn", "value": number}])
        return made | {"name": [{"family": "Fam", "given": ["Ann"]}]}

    take(house, bearing("a", "444-22-2223"), bearing("b", "583508591"), bearing("c", "UNK"))
    assert run(house)["person-conflict"].failing == 2
    whys = [row["why"] for row in house.checks.rows("person-conflict")]
    assert sorted(whys) == ["sources of this person disagree about social security number, ehr"] * 2


def test_a_run_is_written_down_and_made_again(house: House) -> None:
    """Verdicts and rows are relations, rest on a ledger entry, and come back from the vault alone."""
    take(house, patient("a"), result("bad", "a", 97))
    run(house)
    _, rows = house.shelf.query("select check_id, verdict, failing from checks where check_id = 'unit-mixed-up'")
    assert rows == [("unit-mixed-up", "fail", 1)]
    assert house.shelf.query("select count(*) from check_rows where check_id = 'unit-mixed-up'")[1] == [(1,)]
    [(seq, entry)] = list(house.ledger.find("check.run"))
    before = house.store.read("select * from check_row")
    house.store.write(lambda tx: [tx.execute(f"delete from {table}") for table in ("check_run", "check_outcome", "check_row")])
    house.store.write(lambda tx: house.checks.replay(tx, seq, entry))  # type: ignore[attr-defined]
    assert house.store.read("select * from check_row") == before


def test_a_sites_threshold_is_applied(house: House) -> None:
    """The site may let pass what we would not, and says who owns it."""
    (Path(house.home) / "site" / "checks.csv").write_text(
        "check,threshold,severity,owner,why\nunit-mixed-up,0.5,warning,dr.lab,known analyser\n"
    )
    take(house, patient("a"), result("o", "a", 1.1), result("bad", "a", 97))
    verdict = run(house)["unit-mixed-up"]
    assert (verdict.verdict, verdict.severity, verdict.failing) == ("pass", "warning", 1)


def test_as_of_an_earlier_position_the_fault_is_not_there(house: House) -> None:
    """A check reads what was known then."""
    take(house, patient("a"), result("o", "a", 1.1))
    early = house.ledger.size() - 1
    take(house, result("bad", "a", 97))
    then = {verdict.check: verdict for verdict in house.checks.run(early)}
    assert then["unit-mixed-up"].failing == 0
    assert run(house)["unit-mixed-up"].failing == 1


def test_the_reference_page_names_every_check(root: Path) -> None:
    """docs/reference/quality.md lists each check with its threshold and severity as shipped."""
    page = (root / "docs/reference/quality.md").read_text(encoding="utf-8")
    for check in shipped_checks():
        assert f"| `{check.check}` | {check.table} | {check.threshold:g} | {check.severity} |" in page


def test_a_check_rests_on_structure_that_exists_and_comes_first() -> None:
    """Every check has a stage; what it rests on is a structure check, and structure rests on nothing."""
    checks = {check.check: check for check in shipped_checks()}
    assert {check.stage for check in checks.values()} == {"structure", "logic", "analysis"}
    for check in checks.values():
        assert check.stage in STAGES
        assert [name for name in check.rests_on.split() if checks[name].stage != "structure"] == []
        assert not (check.stage == "structure" and check.rests_on)


def test_what_rests_on_a_failed_structure_is_not_run_and_says_so(house: House) -> None:
    """Half the numbers lack a unit: the checks of values are `not-run` with the reason, never a pass, in verdicts, relations, ledger."""
    take(house, patient("a"), result("bad", "a", 97), result("n", "a", 1.0, None))
    verdicts = run(house)
    assert (verdicts["unit-missing"].stage, verdicts["unit-missing"].verdict) == ("structure", "fail")
    for name in ("unit-mixed-up", "value-impossible", "code-distribution", "drift-values"):
        held = verdicts[name]
        assert (held.verdict, held.said, held.rows) == ("not-run", "structure failed: unit-missing", ()), name
    assert verdicts["event-before-birth"].verdict == "pass"
    _, rows = house.shelf.query("select stage, verdict, said, failing, total from checks where check_id = 'unit-mixed-up'")
    assert rows == [("analysis", "not-run", "structure failed: unit-missing", 0, 0)]
    [(_, entry)] = list(house.ledger.find("check.run"))
    assert entry["notes"]["not_run"] == "4"
    assert len(house.checks.rows("unit-mixed-up")) == 1  # type: ignore[attr-defined]  asked for by name it is measured


def test_all_rows_come_with_a_run_as_they_come_alone(house: House) -> None:
    """A run that also tells all the rows of some checks gives the verdicts of a run and the rows of `opened`, of a check with more rows
    than a verdict keeps too, and of one that rests on a structure that fails, which the run does not measure."""
    take(house, patient("p1"), result("much", "p1", 97), *(result(f"o{number:03}", "p1", 1.0, None) for number in range(130)))
    checks: Any = house.checks
    names = [check.check for check in shipped_checks()]
    verdicts, rows = checks.run_and_open(names)
    assert verdicts == checks.run()
    assert rows == checks.opened(names)
    assert len(rows["unit-missing"]) == 130
    assert len(rows["unit-mixed-up"]) == 1
    assert {one.verdict for one in verdicts if one.check == "unit-mixed-up"} == {"not-run"}
    with pytest.raises(NotFound, match="no check named"):
        checks.run_and_open(["never-heard-of"])


def test_another_threshold_is_judged_without_measuring(house: House) -> None:
    """Thresholds apply to counts that are there: data that came since change nothing, and what was never measured says that."""
    take(house, patient("a"), *(result(f"o{number}", "a", 1.1) for number in range(9)), result("bad", "a", 97))
    assert run(house)["unit-mixed-up"].verdict == "fail"
    take(house, result("worse", "a", 98))
    path = Path(house.home) / "site" / "checks.csv"
    path.write_text("check,threshold,severity,owner,why\nunit-mixed-up,0.5,,,\n")
    again = {verdict.check: verdict for verdict in house.checks.judge()}  # type: ignore[attr-defined]
    assert (again["unit-mixed-up"].verdict, again["unit-mixed-up"].failing, again["unit-mixed-up"].total) == ("pass", 1, 10)
    path.write_text("check,threshold,severity,owner,why\nunit-missing,-1,,,\n")
    gated = {verdict.check: verdict for verdict in house.checks.judge()}  # type: ignore[attr-defined]
    assert (gated["unit-mixed-up"].verdict, gated["unit-mixed-up"].total) == ("not-run", 0)
    path.unlink()
    back = {verdict.check: verdict for verdict in house.checks.judge()}  # type: ignore[attr-defined]
    assert (back["unit-mixed-up"].verdict, back["unit-mixed-up"].failing) == ("fail", 1)
    assert len(list(house.ledger.find("check.run"))) == 4


def test_what_was_not_measured_stays_not_run_until_it_is(house: House) -> None:
    """A threshold that lets the structure pass afterwards cannot judge what nobody counted."""
    take(house, patient("a"), result("bad", "a", 97), result("n", "a", 1.0, None))
    assert run(house)["unit-mixed-up"].verdict == "not-run"
    (Path(house.home) / "site" / "checks.csv").write_text("check,threshold,severity,owner,why\nunit-missing,1,,,\n")
    again = {verdict.check: verdict for verdict in house.checks.judge()}  # type: ignore[attr-defined]
    assert (again["unit-mixed-up"].verdict, again["unit-mixed-up"].said) == ("not-run", "structure holds now; trivet check measures it")
    assert run(house)["unit-mixed-up"].verdict == "fail"
