"""`trivet approve`: cast a vote."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show
from trivet.cli.promote import ballot_lines
from trivet.kernel.errors import Usage

__all__ = ["command"]


@click.command("approve")
@click.argument("model")
@home_option
@click.option("--seat", default="", help="The seat that votes, such as clinical_owner.")
@click.option("--as", "principal", default="", help="Who votes: the person on that seat.")
@click.option("--site", default="", help="Where; the home's site if not given.")
@click.option("--evidence", default="", help="Digest of the evidence set that was seen; the vote is refused when it changed.")
@click.option("--reject", is_flag=True, help="Vote against.")
@click.option("--comment", default="", help="Why.")
@json_option
def command(model: str, home: Path, seat: str, principal: str, site: str, evidence: str, reject: bool, comment: str, as_json: bool) -> None:
    """Vote on the next step of MODEL (or MODEL@VERSION). Without --seat: show what is being voted on.

    A vote binds to the evidence that was seen; new evidence voids it. Who asked, who developed and who measured cannot vote.

    \b
    Examples:
      trivet approve ward-watch
      trivet approve ward-watch --seat clinical_owner --as m.adeyemi --comment "agreed on the ward round"
    """
    from trivet.flows.promote import approve

    with opened(home) as house:
        place = site or house.settings["site"]["id"]
        if not seat:
            said = asdict(house.office.ballot(model, place))
            show(as_json, {**said, "passed": not said["failing"]}, ballot_lines(said))
            return
        if not principal:
            raise Usage("E735", "a vote needs a person", help=f"trivet approve {model} --seat {seat} --as PRINCIPAL")
        vote = approve(house, model, seat, principal, place, decision="reject" if reject else "approve", comment=comment, seen=evidence)
        left = [item.code for item in house.office.ballot(model, place).failing]
        text = f"{vote.principal} votes {vote.decision} as {vote.seat} on {vote.model} {vote.version} ({vote.gate}); missing now: "
        show(as_json, {**asdict(vote), "missing": left}, [text + (", ".join(left) or "nothing")])
