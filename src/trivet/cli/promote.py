"""`trivet promote`: make a model version the live one of its use."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, progress, show, table
from trivet.cli.suspend import who
from trivet.contracts.house import House
from trivet.kernel.errors import NotFound, Refused, Usage

__all__ = ["command"]


@click.command("promote")
@click.argument("model", required=False)
@home_option
@click.option("--use", default="", help="The use it shall answer for; its only one if not given.")
@click.option("--site", default="", help="Where; the home's site if not given.")
@click.option("--as", "principal", default="", help="Who promotes; whoever sits at this machine if not given.")
@click.option("--behind", is_flag=True, help="Stand it behind the live model as a fallback.")
@click.option("--to", default="", help="The stage to go to, when more than one step leads on.")
@click.option("--dry-run", is_flag=True, help="Only say who may, what is there and what is missing.")
@click.option("--list", "listing", is_flag=True, help="Every model with its stage and what its next step lacks.")
@json_option
def command(
    model: str | None, home: Path, use: str, site: str, principal: str, behind: bool, to: str, dry_run: bool, listing: bool, as_json: bool
) -> None:
    """Take MODEL (or MODEL@VERSION) to the next stage of its life, or swap it in when it already has a live grant.

    The gate runs over evidence and votes. A pass gives grant and route in one step and touches nothing else; otherwise exit 3
    and everything that is missing, with who can change it.

    \b
    Examples:
      trivet promote lace --use readmission
      trivet promote ward-watch --use deterioration --dry-run
    """
    from trivet.flows.promote import introduce, promote

    with opened(home) as house:
        if listing or not model:
            rows = overview(house)
            show(as_json, {"models": rows}, table(rows[0] if rows else ["model"], [row.values() for row in rows]))
            return
        place = site or house.settings["site"]["id"]
        if dry_run:
            said = asdict(house.office.ballot(model, place, to))
            show(as_json, {**said, "passed": not said["failing"]}, ballot_lines(said))
            return
        introduce(house, model, who(principal))
        try:
            deed = promote(
                house, model, use or only_use(house, model), place, who(principal), place="fallback" if behind else "active", to=to
            )
        except Refused as refused:
            for line in [] if as_json else refused.why.split("; "):
                progress(f"  missing: {line}")
            raise
        show(as_json, asdict(deed), [deed.what])


def only_use(house: House, model: str) -> str:
    """The use of a model that has one. Usage E734 when it has several."""
    uses = house.office.state().release(model).uses
    if len(uses) != 1:
        raise Usage("E734", f"{model} has several uses", why=", ".join(uses), help="--use NAME")
    return str(uses[0])


def overview(house: House) -> list[dict[str, Any]]:
    """Every release with its stage here and what its next step lacks."""
    state, site, rows = house.office.state(), house.settings["site"]["id"], []
    stopped = state.suspensions()
    for release in state.releases():
        name = f"{release.model}@{release.version}"
        stage = "suspended" if release.model in stopped else state.stage(release.digest, site)
        try:
            ballot = house.office.ballot(name, site)
            onward, lacks = ballot.stage_to, ", ".join(item.code for item in ballot.failing) or "nothing"
        except NotFound:
            onward, lacks = "", ""
        rows.append(
            {"model": name, "uses": ", ".join(release.uses), "tier": release.tier, "stage": stage, "next": onward, "missing": lacks}
        )
    return rows


def ballot_lines(said: dict[str, Any]) -> list[str]:
    """A judgement for people."""
    lines = [f"{said['model']} {said['version']} at {said['site']}: {said['stage_from']} -> {said['stage_to']} ({said['gate']})"]
    for item in said["evidence"]:
        measured = f"{item['metric']} {item['value']} [{item['low']}, {item['high']}] n={item['n']}" if item["value"] else item["title"]
        lines.append(f"  evidence {item['requirement']}: {measured} until {item['expires_at'][:10]}")
    lines += [f"  vote {vote['seat']}: {vote['principal']} {vote['decision']} {vote['at'][:10]}" for vote in said["votes"]]
    lines += [f"  missing {item['code']}: {item['text']}{'; ' + item['help'] if item['help'] else ''}" for item in said["failing"]]
    return [*lines, f"  evidence set {said['evidence_set']}", "  may pass" if not said["failing"] else "  may not pass yet"]
