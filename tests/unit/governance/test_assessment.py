"""Readiness, debt and value over published relations filled by hand: every number is counted, and says why when it is not known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import duckdb
import pytest

from trivet.governance.debt import debt
from trivet.governance.interval import difference, wilson
from trivet.governance.measured import Meter, given, statements
from trivet.governance.policy import read_policy, read_table
from trivet.governance.readiness import readiness
from trivet.governance.value import hypothesis_words, value
from trivet.kernel.errors import Usage
from trivet.kernel.resources import listing, text

NOW = "2026-03-01T08:00:00.000000Z"
PAST, SOON, FAR = "2026-02-01T00:00:00.000000Z", "2026-03-10T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z"
EXTRA = {
    "sources": "source varchar, documented boolean, owner varchar, format varchar, expected_every bigint",
    "records": "key varchar, receipt bigint, person varchar, subject varchar, source varchar",
    "encounter": "record varchar, person varchar, class varchar, priority varchar, start_at timestamp, end_at timestamp, until_seq bigint",
}


class Published:
    """The published relations of a home, empty, under the very columns that their files announce."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("SET TimeZone = 'UTC'")
        self.columns: dict[str, list[str]] = {}
        for room in ("data", "governance"):
            for name in listing(f"trivet.{room}", "sql/relations", ".sql"):
                found = re.match(r"-- columns: (.+)", text(f"trivet.{room}", "sql", "relations", name))
                assert found
                self._make(name.removesuffix(".sql"), found[1])
        for name, columns in EXTRA.items():
            self._make(name, columns)

    def _make(self, name: str, columns: str) -> None:
        pairs = [part.split() for part in columns.split(",")]
        self.columns[name] = [pair[0] for pair in pairs]
        self.connection.execute(f'create table "{name}" ({", ".join(f"""{chr(34)}{column}{chr(34)} {kind}""" for column, kind in pairs)})')

    def add(self, name: str, *rows: dict[str, Any]) -> Published:
        """Rows by column name; what is not said is null."""
        for row in rows:
            assert set(row) <= set(self.columns[name]), set(row) - set(self.columns[name])
            marks = ", ".join("?" for _ in self.columns[name])
            self.connection.execute(f'insert into "{name}" values ({marks})', [row.get(column) for column in self.columns[name]])
        return self

    def query(self, sql: str, as_of: int | None, parameters: Sequence[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """As the shelf answers."""
        cursor = self.connection.execute(sql, list(parameters))
        return [column[0] for column in cursor.description], cursor.fetchall()

    def meter(self) -> Meter:
        """A meter over it."""
        return Meter(self.query, given(read_policy(), NOW, "north"), 99)


def governed(home: Published, *, seats: Sequence[str] = ("approve", "operate", "monitor", "answer", "correct")) -> Published:
    """One live model with fresh evidence and one decision today."""
    home.add("releases", {"model": "lace", "version": "1", "kind": "trained"})
    home.add("seats", *({"system": "lace", "seat": seat, "principal": "ada", "since": PAST, "until": ""} for seat in seats))
    grant = {"model": "lace", "version": "1", "not_before": PAST, "expires_at": FAR, "revoked_at": ""}
    home.add("grants", {**grant, "grant_id": "G-1", "stage": "silent"}, {**grant, "grant_id": "G-2", "stage": "pilot"})
    proof = {"model": "lace", "version": "1", "kind": "M", "result": "pass", "site": "north", "withdrawn": False, "produced_at": PAST}
    for requirement in ("local-validity", "subgroup-validity", "leakage", "comparator", "fallback-drill"):
        home.add("evidence", {**proof, "evidence_id": requirement, "requirement": requirement, "expires_at": FAR, "n": 400, "value": "0.7"})
    route = {"use": "readmission", "site": "north", "laid_at": PAST, "shadows": "[]"}
    home.add("routes", {**route, "version": 1, "active": "other", "fallbacks": "[]"})
    home.add("routes", {**route, "version": 2, "active": "lace", "fallbacks": '[{"name":"other"}]'})
    answer = {
        "use": "readmission",
        "model": "lace",
        "version": "1",
        "site": "north",
        "mode": "active",
        "outcome": "scored",
        "grant_id": "G-2",
    }
    home.add("decisions", {**answer, "decision_id": "D-1", "person": "p-1", "decided_at": "2026-03-01T07:00:00.000000Z", "seq": 50})
    home.add("ledger", {"seq": 50, "kind": "decision", "at": NOW})
    return home


def test_a_governed_model_is_under_control() -> None:
    """Everything in place: today's decisions are under control, no red line fails, and every number has its rows."""
    found = readiness(governed(Published()).meter(), NOW)
    assert (found.control.value, found.control.good, found.control.n) == ("100.0", 1, 1)
    assert found.control.rows[0]["decision_id"] == "D-1"
    by_id = {one.id: one for domain in found.domains for one in domain.figures}
    assert all(one.value == "100.0" for one in found.red_lines)
    for name in ("duties-filled", "local-validity-fresh", "shadow-before-live", "comparator", "fallback-named", "fallback-drilled"):
        assert by_id[name].value == "100.0", name
        assert by_id[name].rows
    assert by_id["owners-filled"].value == "0.0"
    assert by_id["vendor-evidence"].value == ""
    assert by_id["vendor-evidence"].reason == "this release does not measure it yet"


@pytest.mark.parametrize(
    "wrong",
    [
        "update decisions set grant_id = ''",
        "update grants set expires_at = '2026-02-15T00:00:00.000000Z' where grant_id = 'G-2'",
        "update decisions set grant_id = 'G-1'",
        "delete from ledger",
        "update ledger set kind = 'denial'",
        "update evidence set expires_at = '2026-02-15T00:00:00.000000Z'",
        "update evidence set kind = 'A'",
        "update evidence set site = 'south'",
        "update evidence set withdrawn = true",
        "update evidence set result = 'insufficient_n'",
        "update seats set until = '2026-02-15T00:00:00.000000Z' where seat = 'answer'",
    ],
)
def test_what_is_broken_is_not_under_control(wrong: str) -> None:
    """One planted breach each: the decision is counted, and not as good."""
    home = governed(Published())
    home.connection.execute(wrong)
    control = readiness(home.meter(), NOW).control
    assert (control.value, control.n) == ("0.0", 1)


def test_a_failing_red_line_is_level_zero() -> None:
    """However good the rest: a live grant with a vacant duty leaves no level standing."""
    home = governed(Published(), seats=("approve", "operate", "monitor", "correct"))
    found = readiness(home.meter(), NOW)
    assert found.level == 0
    assert found.next_steps[0]["id"] == "grants-with-duties"
    assert next(domain.level for domain in found.domains if domain.name == "structure") == 0


def test_an_empty_home_knows_nothing_and_claims_nothing() -> None:
    """No rows: not known, with a reason; never zero per cent, never a level."""
    found = readiness(Published().meter(), NOW)
    assert found.level == 0
    assert all(one.value == "" and one.reason for domain in found.domains for one in domain.figures)
    assert found.control.reason == "there is nothing to count yet"


def test_a_relation_that_is_gone_never_raises_the_score() -> None:
    """Removing a source of knowledge makes its figures unknown and the level no higher."""
    home = governed(Published())
    before = readiness(home.meter(), NOW)

    def query(sql: str, as_of: int | None, parameters: Sequence[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        if "evidence" in sql:
            raise Usage("E330", "no such relation", why="evidence")
        return home.query(sql, as_of, parameters)

    after = readiness(Meter(query, given(read_policy(), NOW, "north"), 99), NOW)
    assert after.level <= before.level
    gone = {one.id: one.reason for domain in after.domains for one in domain.figures}
    assert gone["local-validity-fresh"] == "E330 no such relation: evidence"


def faulty() -> Published:
    """One planted fault for each detector."""
    home = governed(Published(), seats=("approve", "operate", "monitor", "correct"))
    home.connection.execute("delete from evidence where requirement = 'fallback-drill'")
    home.connection.execute(f"update evidence set expires_at = '{SOON}' where requirement = 'leakage'")
    home.connection.execute("update routes set fallbacks = '[]'")
    home.add("sources", {"source": "lab", "documented": False, "owner": "unknown", "format": "hl7v2", "expected_every": 3600})
    home.add("messages", {"receipt": 1, "source": "lab", "state": "mapped", "received_at": "2026-02-20T00:00:00.000000Z"})
    home.add("messages", {"receipt": 2, "source": "lab", "state": "quarantined", "reason": "no MSH", "received_at": PAST})
    home.add("deliveries", {"seq": 1, "receipt": 1, "source": "lab", "received_at": "2026-02-20T00:00:00.000000Z"})
    notice = {"receipt": 1, "source": "lab", "system": "urn:lab", "times": 3}
    home.add("notices", {**notice, "kind": "unknown-code", "code": "TROPX"}, {**notice, "kind": "z-segment", "code": "ZLB"})
    home.add("records", {"key": "Observation/1", "receipt": 1, "person": "p-1", "subject": "Patient/1", "source": "lab"})
    home.add("rejects", {"receipt": 1, "source": "lab", "code": "E210", "reason": "not a number"})
    field = {"source": "lab", "format": "hl7v2", "locator": "OBX-8", "elements": 7, "receipts": 2}
    home.add("coverage", {**field, "disposition": "uncovered"}, {**field, "disposition": "mapped", "elements": 93})
    shadow = {"decision_id": "D-2", "use": "readmission", "model": "watch", "mode": "shadow", "outcome": "scored", "decided_at": NOW}
    home.add("decisions", shadow)
    kinds = ("secret", "plain-transport", "no-owner", "commented-code", "endpoint", "queue-off", "pruning-off", "end-of-support")
    found = {
        "interface": "Admissions",
        "kind": "channel",
        "about": "look up",
        "detail": "version 3.6.0: old",
        "line": 7,
        "imported_at": PAST,
    }
    home.add("interface_findings", *({**found, "finding": kind} for kind in kinds))
    code = {"scripts": 2, "lines": 40, "needs": '["c-9"]', "imported_at": PAST}
    home.add("interfaces", {"interface": "Admissions", "id": "c-1", "kind": "channel", **code})
    return home


def test_every_planted_debt_is_found_and_priced() -> None:
    """Each detector finds its fault; principal and interest are its hours and counted events by the site's rates."""
    owed = debt(faulty().meter())
    found = {item.kind: item for item in owed["items"]}
    kinds = {row["kind"] for row in read_table("debt", "kinds.csv")}
    assert owed["unmeasured"] == {}
    assert set(found) == kinds
    code = found["unmapped-code"]
    assert (code.asset, code.events_per_month, code.decisions) == ("lab: unknown-code TROPX", "3", 1)
    assert (code.principal, code.interest) == ("30.00", "0.30")
    assert found["vacant-seat"].detail == "nobody; the model may not answer" or "next gate" in found["vacant-seat"].detail
    assert found["silent-feed"].detail.startswith("silent for 224.0 h")
    assert found["undocumented-interface"].principal == "3800.00"
    assert owed["totals"]["USD"]["items"] == str(len(owed["items"]))


def test_nothing_owed_nothing_found() -> None:
    """The same detectors over a clean home: no false alarm but the owner seats that really are vacant."""
    home = governed(Published())
    home.add("sources", {"source": "lab", "documented": True, "owner": "b.l", "format": "hl7v2", "expected_every": 3600})
    home.add("deliveries", {"seq": 1, "receipt": 1, "source": "lab", "received_at": "2026-03-01T07:30:00.000000Z"})
    home.add("messages", {"receipt": 1, "source": "lab", "state": "mapped", "received_at": NOW})
    assert {item.kind for item in debt(home.meter())["items"]} == {"vacant-seat"}


def test_a_detector_that_cannot_run_is_told() -> None:
    """Not measured is not the same as no debt."""

    def broken(sql: str, as_of: int | None, parameters: Sequence[Any]) -> Any:
        raise KeyError("link_now")

    owed = debt(Meter(broken, {}, 0))
    assert owed["items"] == []
    assert set(owed["unmeasured"]) == set(statements("debts"))


HYPOTHESIS = {
    "use": "readmission",
    "metric": "readmission-30d",
    "design": "before-after",
    "baseline_from": "2025-01-01T00:00:00.000000Z",
    "baseline_until": "2025-07-01T00:00:00.000000Z",
    "minimum_effect": "0.02",
    "unit_value": "9000",
    "currency": "USD",
    "clinician_minutes": "2",
    "payer": "Medicine",
}


def stays(home: Published, month: str, number: int, back: int) -> None:
    """`number` stays of different persons; `back` of them are followed by an unplanned one eight days later."""
    for place in range(number):
        person, name = f"p-{month}-{place}", f"{month}-{place}"
        home.add("encounter", {"record": name, "person": person, "class": "IMP", "start_at": f"{month}-01", "end_at": f"{month}-05"})
        if place < back:
            again = {"class": "IMP", "priority": "EM", "start_at": f"{month}-13", "end_at": f"{month}-15"}
            home.add("encounter", {"record": f"{name}-again", "person": person, **again})


def valued(after: int, *, locked: str = "2025-07-01T00:00:00.000000Z", tier: str = "T3", **changed: str) -> Any:
    """One use with 200 discharges before and after; `after` of the later ones came back."""
    home = Published()
    stays(home, "2025-03", 200, 40)
    stays(home, "2025-10", 200, after)
    answer = {"use": "readmission", "mode": "active", "outcome": "scored", "decided_at": "2025-09-01T00:00:00.000000Z"}
    home.add("decisions", *({**answer, "decision_id": f"D-{number}"} for number in range(30)))
    words = {**hypothesis_words({**HYPOTHESIS, **changed}), "locked_at": locked}
    [result] = value(home.meter(), [words], [], {"readmission": tier})
    return result


def test_an_effect_whose_interval_crosses_zero_is_unproven() -> None:
    """Numbers are shown with their interval and n; the verdict is not."""
    result = valued(38)
    assert result.verdict == "unproven"
    assert result.reason == "the interval crosses zero"
    assert float(result.low) < 0 < float(result.high)
    assert (result.n_baseline, result.n_observed) == (240, 238)
    assert (result.baseline, result.cost) == (str(round(40 / 240, 4)), "120.00")


@pytest.mark.parametrize(
    ("after", "changed", "tier", "verdict"),
    [
        (2, {}, "T3", "realised"),
        (2, {}, "T2", "unproven"),
        (2, {"design": "stepped-wedge"}, "T2", "realised"),
        (2, {"minimum_effect": "0.5"}, "T3", "below_minimum"),
        (120, {}, "T3", "harmful"),
    ],
)
def test_verdicts_follow_interval_design_and_minimum(after: int, changed: dict[str, str], tier: str, verdict: str) -> None:
    """Before and after alone never proves a use that drives clinical action; harm is called harm."""
    assert valued(after, tier=tier, **changed).verdict == verdict


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"locked": "2025-09-02T00:00:00.000000Z"}, "locked after the first answer"),
        ({"baseline_until": "2025-12-01T00:00:00.000000Z"}, "reaches past the first answer"),
        ({"metric": "happiness"}, "does not measure it yet"),
        (
            {"baseline_from": "2019-01-01T00:00:00.000000Z", "baseline_until": "2019-02-01T00:00:00.000000Z"},
            "no case in the baseline window",
        ),
    ],
)
def test_no_baseline_no_number(changed: dict[str, str], reason: str) -> None:
    """INV-13: whatever stands in the way of a baseline leaves no figure at all."""
    result = valued(2, **changed)  # type: ignore[arg-type]
    assert reason in result.reason
    assert (result.verdict, result.effect, result.gross, result.net) == ("unproven", "", "", "")


def test_a_use_without_a_hypothesis_is_unproven() -> None:
    """It answers, it costs, nobody said what for."""
    home = governed(Published())
    [result] = value(home.meter(), [], [], {})
    assert (result.verdict, result.effect) == ("unproven", "")
    with pytest.raises(Usage):
        hypothesis_words({"use": "readmission"})


def test_intervals_agree_with_published_examples() -> None:
    """Newcombe 1998, table II: 56/70 against 48/80 gives 0.0524 to 0.3339 by method 10."""
    gap, low, high = difference((48, 80), (56, 70))
    assert (round(gap, 4), round(low, 4), round(high, 4)) == (0.2, 0.0524, 0.3339)
    share, low, high = wilson(0, 20)
    assert (share, low) == (0.0, 0.0)
    assert round(high, 4) == 0.1611
    with pytest.raises(ValueError):
        wilson(0, 0)


def test_every_statement_says_what_it_counts_and_every_table_row_is_whole() -> None:
    """Each file starts with its sentence; no CSV row has a stray comma; every detector has its kind and every indicator its domain."""
    for folder in ("indicators", "debts", "meters", "measures"):
        for name in statements(folder):
            assert text("trivet.governance", "sql", folder, f"{name}.sql").startswith("-- "), name
    for folder, name in (("readiness", "indicators.csv"), ("debt", "kinds.csv"), ("value", "rates.csv"), ("value", "measures.csv")):
        for row in read_table(folder, name):
            assert None not in row, (name, row)
            assert all(value is not None for value in row.values()), (name, row)
    assert {row["kind"] for row in read_table("debt", "kinds.csv")} == set(statements("debts"))
    known = {row["id"] for row in read_table("readiness", "indicators.csv")}
    assert set(statements("indicators")) - known == {"under-control"}
    assert asdict(readiness(Published().meter(), NOW))["as_of"] == 99
