"""`trivet decide`: one governed answer about one person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import Usage

__all__ = ["command"]

EXIT = {"withheld": 3, "suspended": 3, "abstained": 4}


@click.command("decide")
@home_option
@click.option("--use", required=True, help="The intended use, such as readmission.")
@click.option("--person", required=True, help="The person's id, p-...")
@click.option("--at", "at", default="", help="The instant the question is about (RFC 3339 with zone); now if not given.")
@click.option("--site", default="", help="Where; the home's site if not given.")
@click.option("--role", default="", help="Who asks; the home's usual role if not given.")
@click.option("--purpose", default="", help="What for; the first purpose of the use if not given.")
@json_option
def command(home: Path, use: str, person: str, at: str, site: str, role: str, purpose: str, as_json: bool) -> None:
    """Ask one question about one person. The answer is printed only after its decision is durable in the ledger.

    Exit 0: an answer, from the live model or its fallback. 3: withheld by governance. 4: the model could not score this person.

    \b
    Examples:
      trivet decide --use readmission --person p-0938
      trivet decide --use deterioration --person p-0938 --at 2026-03-01T07:55:00Z --json
    """
    from trivet.flows.decide import Question, decide

    with opened(home) as house:
        try:
            moment = instant(parse_instant(at)) if at else house.clock.now()
        except ValueError as error:
            raise Usage("E733", "--at is not an instant", why=str(error), help="--at 2026-03-01T07:55:00Z") from None
        settings, uses = house.settings["site"], house.office.policy.uses
        purposes = uses[use].purposes if use in uses else ("",)
        question = Question(use, person, moment, site or settings["id"], role or settings["role"], purpose or purposes[0])
        shadows: list[Callable[[], None]] = []
        answer = decide(house, question, shadows.append)
        told = asdict(answer)
        show(as_json, told, _lines(told))
        for work in shadows:
            work()
    raise click.exceptions.Exit(EXIT.get(answer.outcome, 0))


def _lines(told: dict[str, Any]) -> list[str]:
    head = f"{told['decision_id'] or 'not recorded'}  {told['use']}  {told['person']}  {told['outcome']} ({told['mode']})"
    if told["prediction"]:
        said = told["prediction"]
        limit = "" if said["threshold"] is None else f", threshold {said['threshold']:g}"
        lines = [head, f"  {said['model']['name']} {said['model']['version']}: {said['value']:.4g} {said['label']}{limit}"]
        lines += [f"  {name}: {weight:+.4g} ({how})" for name, weight, how in said["reasons"][:5]]
        lines += [f"  missing: {', '.join(said['missing'])}"] if said["missing"] else []
    else:
        held = told["withheld"]
        lines = [head, f"  because: {', '.join(held['failed'])}", f"  instead: {held['instead']}"]
    return [*lines, f"  trivet explain {told['decision_id']}"] if told["decision_id"] else lines
