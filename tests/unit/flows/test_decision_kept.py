"""A decision's slice is read as it was for as long as the decision is kept: nothing that tidies up breaks its replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from case import Case
from trivet.flows.account_for import read_decision
from trivet.flows.lake import prove, publish
from trivet.flows.receive import Delivery, receive
from trivet.flows.replay import replay
from trivet.flows.retain import retain


def test_no_tidying_breaks_a_kept_decision(tmp_path: Path) -> None:
    """The facts change, raw bytes go when their time is over, Parquet files are written together, the published table is compacted and
    expired, its hold is released, the home is opened again: the slice, the facts and the bits of the decision stay what they were, and
    while the hold stands the pinned snapshot says the same as the query."""
    case = Case(tmp_path).open()
    answer = case.ask()
    house, lake = case.house, case.house.role("lake")
    _, decision = read_decision(house, answer.decision_id)
    assert decision.features is not None
    position = decision.features.as_of
    publish(house)
    lake.hold(f"decision-{answer.decision_id}")

    used = {(one.record, one.version) for value in decision.features.values for one in value.contributions}

    def told() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        known = [row for row in house.role("segments").known(position).to_pylist() if (row["key"], row["version"]) in used]
        return known, replay(house, answer.decision_id, record=False)

    def pinned() -> dict[str, Any]:
        return prove(house, f"decision-{answer.decision_id}", position)

    before, held = told(), pinned()
    assert before[1]["equal"]
    assert before[1]["class"] == "R3"
    assert len(before[0]) == len(used) == 2
    assert held["equal"]
    for number in range(4):
        receive(house, [Delivery(f"4711,hr,{100 + number}\n4711,bp,{90 + number}\n".encode(), "lab", "lines", f"later{number}.lines")])
        publish(house)
        house.shelf.publish()
    assert told() == before
    house.settings["retention"].update(raw_days=1)
    case.clock.at = "2030-01-01T00:00:00.000000Z"
    assert retain(house, accept=True, report=lambda _: None)["units"] > 0
    assert told() == before
    assert lake.compact()["files"] == 1
    assert lake.expire()["expired"] > 0
    assert told() == before
    assert pinned() == held
    lake.release(f"decision-{answer.decision_id}")
    assert lake.expire()["expired"] == 1
    assert told() == before
    assert prove(house, "", position)["pinned"] == held["pinned"]
    case.close()
    case = Case(tmp_path, fresh=False)
    house = case.house
    assert told() == before
    case.close()
