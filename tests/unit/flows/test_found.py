"""The founding of a home's governance from the shipped sample staff file, and the drill of its fallback."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from office_house import NOW, SITE, Model, Shelf, Ward
from trivet.contracts.prediction import ModelRef
from trivet.flows.decide import decide
from trivet.flows.drill import drill
from trivet.flows.found import found
from trivet.flows.promote import approve, promote
from trivet.governance.policy import read_policy
from trivet.kernel.digest import digest
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text

NAMES = ("readmit-gb", "lace", "news2", "ward-watch")


@pytest.fixture
def staff() -> dict[str, Any]:
    """The sample hospital's."""
    return tomllib.loads(text("trivet.maps", "governance", "staff-sample.toml"))


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """Four models, none registered."""
    ward = Ward(tmp_path)
    ward.models = {name: Model(ModelRef(name, "1", digest(name)), bytearray(name.encode())) for name in NAMES}
    ward.registry.models = Shelf(list(ward.models.values())).models
    yield ward
    ward.close()


def stock(ward: Ward, *, events: int = 80) -> tuple[list[Any], list[Any]]:
    """Releases and passing evidence for all four."""
    uses = {"readmit-gb": "readmission", "lace": "readmission", "news2": "deterioration", "ward-watch": "deterioration"}
    releases = [
        replace(ward.release(name, uses=(uses[name],)), developers=("k.datta",), requested_by="k.datta", population="") for name in NAMES
    ]
    evidence = [
        ward.evidence(name, requirement, kind="A" if requirement == "intended-use" else "M", events=events)
        for name in NAMES
        for requirement in ("local-validity", "subgroup-validity", "intended-use")
    ]
    return releases, evidence


def test_the_sample_staff_brings_three_models_live_and_leaves_one_waiting(ward: Ward, staff: dict[str, Any]) -> None:
    """Three answer, one waits in shadow for exactly one vote, one seat is vacant; the vote then lets it through."""
    done = found(ward.house, staff, *stock(ward), site=SITE)
    state = ward.office.state()
    stages = {release.model: state.stage(release.digest, SITE) for release in state.releases()}
    assert stages == {"readmit-gb": "pilot", "lace": "pilot", "news2": "pilot", "ward-watch": "silent"}
    routes = {route.use: route for route in state.routes()}
    assert (routes["readmission"].active.name, [ref.name for ref in routes["readmission"].fallbacks]) == ("readmit-gb", ["lace"])  # type: ignore[union-attr]
    assert (routes["deterioration"].active.name, [ref.name for ref in routes["deterioration"].shadows]) == ("news2", ["ward-watch"])  # type: ignore[union-attr]
    assert "ward-watch waits at silent: vote:administrative_owner" in done
    vacant = [(system, row["seat"]) for system in NAMES for row in ward.office.seats.board(system) if row["vacant"]]
    assert vacant == [("news2", "operational_owner")]
    assert decide(ward.house, ward.question(use="deterioration")).outcome == "scored"
    assert ward.models["ward-watch"].calls == 1
    approve(ward.house, "ward-watch", "administrative_owner", "h.silva", SITE)
    promote(ward.house, "ward-watch", "deterioration", SITE, "f.haddad")
    answer = decide(ward.house, ward.question(use="deterioration"))
    assert answer.prediction is not None
    assert answer.prediction.model.name == "ward-watch"


def test_too_few_events_let_nobody_live(ward: Ward, staff: dict[str, Any]) -> None:
    """INV-5: with too few patients nothing passes, and the lines say so."""
    done = found(ward.house, staff, *stock(ward, events=10), site=SITE)
    assert any("insufficient_n: 10 events" in line for line in done)
    assert not any(grant.stage != "silent" for grant in ward.office.state().grants())
    assert decide(ward.house, ward.question()).outcome == "withheld"


def test_a_drill_measures_the_fallback_without_deciding(ward: Ward, staff: dict[str, Any]) -> None:
    """n, share and time of the fallback's answers as evidence; no decision is written; a dead fallback fails the drill."""
    found(ward.house, staff, *stock(ward), site=SITE)
    item = drill(ward.house, "readmission", SITE, [(f"p-{number}", NOW) for number in range(20)], by="b.lindqvist")
    assert (item.result, item.n, item.events, item.kind) == ("pass", 20, 20, "M")
    kept = ward.write(lambda tx: ward.office.releases.prove(tx, item, by="b.lindqvist"))
    assert kept.expires_at > NOW
    assert ward.store.read("SELECT count(*) FROM decision") == [(0,)]
    assert ward.models["readmit-gb"].calls == 0
    ward.write(lambda tx: ward.office.suspend(tx, "lace", "", by="j.weber"))
    assert drill(ward.house, "readmission", SITE, [("p-1", NOW)], by="b.lindqvist").result == "fail"
    with pytest.raises(NotFound):
        drill(ward.house, "readmission", SITE, [], by="b.lindqvist")


def test_the_shipped_tables_agree() -> None:
    """Every name in one table is defined by another; every row of separation says what it does; every use has words for 'instead'."""
    policy = read_policy()
    assert policy.duties == ("approve", "operate", "monitor", "answer", "correct")
    assert {rule.id for rule in policy.rules} == {f"S{number}" for number in range(1, 13)}
    assert all(len(rule.text) > 20 for rule in policy.rules)
    assert all(use.instead and use.roles and use.purposes for use in policy.uses.values())
    assert all(step.votes for step in policy.transitions)
