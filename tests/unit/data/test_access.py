"""Access: role and purpose decide rows and columns, consent decides persons, and nothing looks past the lens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trivet.cli.dqd import consented
from trivet.contracts.access import Caller
from trivet.contracts.house import House
from trivet.data.access import Decider
from trivet.data.access.consent import refuses
from trivet.data.access.decider import table
from trivet.data.access.lens import named
from trivet.data.query import columns_of
from trivet.data.views import published
from trivet.flows.ask import ask, permit
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault, Refused, Usage
from trivet.wiring.build import init_home
from trivet.wiring.omop import build_home, refusing_in
from trivet.wiring.piqi import score_home
from trivet.wiring.rooms import relations
from trivet.wiring.viewing import run_view

NOW = "2026-03-01T08:00:00.000000Z"
STEWARD = Caller("steward", "HOPERAT")
SCIENTIST = Caller("data_scientist", "HRESCH")


def consent(person: str, **provision: Any) -> dict[str, Any]:
    """An active consent of a person."""
    return {
        "resourceType": "Consent", "id": f"c-{person}", "status": "active", "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"coding": [{"code": "59284-0"}]}], "policyRule": {"coding": [{"code": "OPTIN"}]},
        "patient": {"reference": f"Patient/{person}"}, "provision": provision,
    }  # fmt: skip


def people() -> list[dict[str, Any]]:
    """Three persons with an observation each; the second refuses research."""
    made: list[dict[str, Any]] = []
    for number, family in enumerate(("Archer", "Baxter", "Carver")):
        name = f"p{number}"
        made += [
            {
                "resourceType": "Patient", "id": name, "identifier": [{"system": "urn:mrn", "value": f"M{number}"}],
                "name": [{"family": family, "given": ["Ada"]}], "birthDate": f"19{50 + number}-02-03", "gender": "female",
            },
            {
                "resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "pulse"},
                "subject": {"reference": f"Patient/{name}"}, "effectiveDateTime": "2026-02-01T08:00:00Z", "valueString": str(60 + number),
            },
        ]  # fmt: skip
    return [*made, consent("p1", type="permit", provision=[{"type": "deny", "purpose": [{"code": "HRESCH"}]}])]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A home that took them in."""
    home = tmp_path_factory.mktemp("access") / "home"
    house = init_home(home, clock=FrozenClock(NOW))
    raw = "\n".join(json.dumps(one) for one in people()).encode()
    receive(house, [Delivery(raw, "ehr", "fhir", "export.ndjson")])
    yield house
    house.close()


def entries(house: House) -> list[dict[str, Any]]:
    """What the ledger says of access."""
    return [entry for _, entry in house.ledger.find("access")]


def test_every_published_column_is_sorted() -> None:
    """Each relation and view is in the table, each column it names exists: nothing new is readable by accident."""
    sorts = {row["relation"] for row in table("relations.csv")}
    assert sorts == {*relations(), *published(), "records", "sources"} - {"link_now", "record_state"}
    columns = {name: {column for column, _ in columns_of(sql)} for name, sql in relations().items()}
    for row in table("relations.csv"):
        if row["column"] != "*" and row["relation"] in columns:
            assert row["column"] in columns[row["relation"]], row


def test_policies_fit_their_schema_and_say_why() -> None:
    """The shipped policies validate; each has an id and a reason."""
    notes = Decider("north").annotations.values()
    assert all({"id", "why"} <= set(note) for note in notes)


@pytest.mark.parametrize(
    ("role", "purpose", "reason", "sort", "allowed"),
    [
        ("clinician", "TREAT", "", "identifying", True),
        ("clinician", "ETREAT", "", "clinical", True),
        ("clinician", "HRESCH", "", "clinical", False),
        ("clinician", "BTG", "", "identifying", True),  # treatment anyhow
        ("data_scientist", "HRESCH", "because", "identifying", False),
        ("data_scientist", "HRESCH", "", "clinical", True),
        ("steward", "HOPERAT", "", "identifying", False),
        ("steward", "HQUALIMP", "a duplicate", "identifying", True),
        ("finance", "HPAYMT", "", "financial", True),
        ("finance", "HPAYMT", "", "clinical", False),
        ("finance", "BTG", "fire on ward 4", "identifying", True),
        ("finance", "BTG", "", "identifying", False),
        ("owner", "HOPERAT", "really", "identifying", False),
        ("auditor", "HCOMPL", "case 12", "identifying", True),
    ],
)
def test_role_and_purpose_decide(role: str, purpose: str, reason: str, sort: str, allowed: bool) -> None:
    """The table of who may see what, as its readers would expect it."""
    ruling = Decider("north").ask(Caller(role, purpose, reason), sort)
    assert ruling.allowed is allowed
    assert bool(ruling.policies) or not allowed


def test_breaking_the_glass_owes_a_review() -> None:
    """An emergency permits, and says what it asks for in return."""
    ruling = Decider("north").ask(Caller("finance", "BTG", "fire"), "identifying")
    assert ruling.obligations == ("review",)


def test_a_site_may_forbid_more(tmp_path: Path) -> None:
    """A site's forbid beats our permit and is named; a policy that does not fit is a fault and not a hole."""
    own = tmp_path / "policies.cedar"
    own.write_text('@id("no-research-here")\nforbid (principal, action, resource) when { context.within == "HRESCH" };')
    assert Decider("north", own).ask(SCIENTIST, "clinical").policies == ("no-research-here",)
    own.write_text("permit (principal, action, resource) when { context.mood == 1 };")
    with pytest.raises(Fault):
        Decider("north", own)


def test_columns_are_blank_and_rows_left_out(house: House) -> None:
    """A scientist sees pulses, no bodies, and nobody who refuses research; an operator sees all."""
    sql = "select person, body, type from records where type = 'Observation' order by key"
    seen = ask(house, sql, SCIENTIST)
    assert [row[1] for row in seen.rows] == [None, None]
    assert seen.left_out == 1
    whole = ask(house, sql, Caller("operator", "HOPERAT"))
    assert len(whole.rows) == 3
    assert all(row[1] for row in whole.rows)
    [(refusing,)] = ask(house, "select person from records where type = 'Consent'", Caller("operator", "HOPERAT")).rows
    assert refusing in {row[0] for row in whole.rows}
    assert refusing not in {row[0] for row in seen.rows}
    assert refusing not in {row[0] for row in ask(house, "select person from observation", SCIENTIST).rows}
    assert refusing not in {row[0] for row in ask(house, "select person from persons", SCIENTIST).rows}


def test_a_read_of_persons_is_on_record_before_it_is_shown(house: House) -> None:
    """One entry with role, purpose and counts; the query and the reason stand in the vault; a refusal is on record too."""
    before = len(entries(house))
    ask(house, "select person from persons", Caller("steward", "HOPERAT", "looking for Baxter", "m.okafor"))
    entry = entries(house)[-1]
    assert entry["notes"]["what"] == "read"
    assert (entry["notes"]["role"], entry["notes"]["rows"], entry["notes"]["persons"]) == ("steward", "3", "3")
    assert "Baxter" not in json.dumps(entry)
    assert b"looking for Baxter" in house.vault.get(entry["notes"]["blob"])
    with pytest.raises(Refused) as refused:
        ask(house, "select * from patient", STEWARD)
    assert refused.value.code == "E292"
    assert entries(house)[-1]["notes"]["what"] == "refused"
    ask(house, "select count(*) from messages", STEWARD)
    assert len(entries(house)) == before + 2


@pytest.mark.parametrize(
    "sql",
    [
        "select * from record_version",
        "select * from link_now",
        "select * from segment",
        "select * from left_out",
        "select * from temp.main.records",
        "select * from query_table('record' || '_version')",
        "select * from query('select * from record_version')",
        "select * from duckdb_views()",
        "select * from information_schema.tables",
        "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "with x as (select * from record_version) select * from x",
        "select (select max(body) from record_version)",
        "select * from messages where exists (select 1 from record_version)",
        "select * from read_parquet('shelves/*.parquet')",
        "with record_version as (select * from record_version) select * from record_version",
        "from record_version",
        "select * from messages; select 1",
        "pivot record_version on type using count(*)",
        "select * from (values (1)) t, lateral (select * from record_version) r",
    ],
)
def test_nothing_looks_past_the_lens(house: House, sql: str) -> None:
    """Inner relations, catalogues, schemas, table functions and second statements are refused, however they are dressed."""
    with pytest.raises((Refused, Usage)):
        ask(house, sql, SCIENTIST)


def test_names_of_a_statement_are_those_it_reads() -> None:
    """Joins, subqueries, unions and expressions; a common table expression is no relation."""
    sql = "with a as (select * from records) select * from a join persons using (person) where key in (select key from links)"
    assert named(sql) == {"records", "persons", "links"}


@pytest.mark.parametrize(
    ("provision", "purposes", "refused"),
    [
        ({"type": "deny"}, {"TREAT"}, True),
        ({"type": "deny", "purpose": [{"code": "HRESCH"}]}, {"TREAT"}, False),
        ({"type": "deny", "purpose": [{"code": "HRESCH"}]}, {"HRESCH"}, True),
        ({"type": "deny", "provision": [{"type": "permit", "purpose": [{"code": "TREAT"}]}]}, {"treatment", "TREAT"}, False),
        ({"type": "deny", "provision": [{"type": "permit", "purpose": [{"code": "TREAT"}]}]}, {"HRESCH"}, True),
        ({"type": "deny", "provision": [{"type": "permit", "purpose": [{"code": "TREAT"}], "actor": [{}]}]}, {"TREAT"}, True),
        ({"type": "permit", "provision": [{"type": "deny", "class": [{"code": "Observation"}]}]}, {"TREAT"}, True),
        ({"type": "permit", "provision": [{"type": "deny", "period": {"end": "2026-02-28"}}]}, {"TREAT"}, False),
        ({"type": "permit", "provision": [{"type": "deny", "period": {"start": "2026-02-28"}}]}, {"TREAT"}, True),
        ({"type": "permit", "purpose": [{"code": "TREAT"}]}, {"HRESCH"}, True),
        ({"type": "permit", "purpose": [{"code": "TREAT"}]}, {"TREAT"}, False),
        ({"type": "deny", "period": {"end": "2025"}}, {"TREAT"}, False),
        ({}, {"TREAT"}, False),
    ],
)
def test_what_a_consent_refuses(provision: dict[str, Any], purposes: set[str], refused: bool) -> None:
    """Exceptions, periods and limits that are not understood: doubt is on the person's side."""
    assert refuses(consent("p", **provision), purposes, NOW) is refused


def test_an_opt_out_without_provision_refuses() -> None:
    """The policy rule alone says it; a consent that is not active says nothing."""
    held = consent("p") | {"policyRule": {"coding": [{"code": "OPTOUT"}]}}
    assert refuses(held, {"TREAT"}, NOW)
    assert not refuses(held | {"status": "inactive"}, {"TREAT"}, NOW)


def test_withdrawing_counts_at_once(house: House) -> None:
    """A newer version of the consent takes effect with the next question, as does taking it back."""
    access = house.role("access")
    [(person,)] = house.store.read(
        "select distinct person from link where subject in (select subject from record_version where type = 'Consent')"
    )
    assert access.refuses(person, "HRESCH")
    assert not access.refuses(person, "treatment")
    later = consent("p1", type="deny")
    receive(house, [Delivery(json.dumps(later).encode(), "ehr", "fhir", "later.json")])
    assert access.refuses(person, "treatment")
    again = consent("p1", type="permit", provision=[{"type": "deny", "purpose": [{"code": "HRESCH"}]}])
    receive(house, [Delivery(json.dumps(again | {"language": "en"}).encode(), "ehr", "fhir", "again.json")])
    assert not access.refuses(person, "treatment")


def test_bulk_reading_is_permitted_first(house: House) -> None:
    """A view over everybody needs a permit for what it reads, leaves out who refuses, and is on record either way."""
    everybody = run_view("us-core-patient", house=house)
    left_out = permit(house, Caller("auditor", "HOPERAT", "case 12"), "view us-core-patient")
    assert left_out == frozenset()
    with pytest.raises(Refused) as refused:
        permit(house, SCIENTIST, "view us-core-patient")
    assert refused.value.failed == ("identifying",)
    assert entries(house)[-1]["notes"]["what"] == "refused"
    left_out = permit(house, SCIENTIST, "omop build", ("clinical",))
    assert len(left_out) == 1
    assert entries(house)[-1]["notes"] == {**entries(house)[-1]["notes"], "act": "omop", "left_out": "1"}
    some = run_view("us-core-patient", house=house, left_out=left_out)
    assert len(some["rows"]) == len(everybody["rows"]) - 1


def test_the_quality_of_records_is_asked_for_consent_too(house: House, tmp_path: Path) -> None:
    """PIQI leaves out who refuses; a database that was built before somebody refused is not looked at until it is built again."""
    refused = house.role("access").left_out("HRESCH")
    everybody = score_home(house)["sources"]["ehr"]["records"]
    assert score_home(house, left_out=refused)["sources"]["ehr"]["records"] < everybody
    for place, kind in ((tmp_path / "omop", "parquet"), (tmp_path / "omop.duckdb", "duckdb")):
        build_home(house, kind, str(place))
        assert refusing_in(house, place, refused) == 1
        with pytest.raises(Refused) as stale:
            consented(Path(house.home), place, "data_scientist", "HRESCH", "")
        assert stale.value.code == "E923"
        build_home(house, kind, str(place), left_out=refused)
        consented(Path(house.home), place, "data_scientist", "HRESCH", "")
    assert entries(house)[-1]["notes"] == {**entries(house)[-1]["notes"], "act": "dqd", "left_out": "1"}
    assert refusing_in(house, tmp_path / "nowhere", refused) is None
