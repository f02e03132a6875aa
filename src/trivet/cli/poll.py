"""`trivet poll`: ask sources for what is new, once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import fail, home_option, json_option, opened, progress, show
from trivet.flows.receive import process_pending
from trivet.kernel.errors import Problem

__all__ = ["command"]


@click.command("poll")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--abort", is_flag=True, help="Give up what a source has under way at the other side (a bulk export), instead of polling.")
@home_option
@json_option
def command(sources: tuple[str, ...], abort: bool, home: Path, as_json: bool) -> None:
    """Bring in what is new at each SOURCE, or at every source whose door is asked; then settle it.

    What came is durable before the place is remembered up to which it came. A poll that dies is finished by the next one.

    \b
    Examples:
      trivet poll
      trivet poll ehr warehouse --home my-home --json
      trivet poll ehr_export --abort
    """
    from trivet.wiring.sources import abandon, poll_source, pollable

    with opened(home) as house:
        answers: dict[str, Any] = {}
        worst: Problem | None = None
        for name in sources or pollable(house):
            try:
                done = abandon(house, name) if abort else poll_source(house, name)
                answers[name] = {**asdict(done), "events": dict(done.events)} if not isinstance(done, str) else {"done": done}
            except Problem as problem:
                answers[name], worst = {"error": problem.as_dict()}, problem
        tally = process_pending(house)
        house.shelf.publish()
    if not answers:
        progress("no source has a door that is asked: docs/how-to/connect-a-server.md")
    told = {"sources": answers, "settled": dict(tally.states), "versions": tally.versions}
    show(as_json, told, lines(told))
    if worst is not None:
        fail(as_json, worst)


def lines(told: dict[str, Any]) -> list[str]:
    """What happened, for people."""
    out = []
    for name, answer in told["sources"].items():
        if "error" in answer:
            out.append(f"{name}: {answer['error']['code']} {answer['error']['message']}")
        elif "done" in answer:
            out.append(f"{name}: {answer['done']}")
        else:
            gone = f", {answer['gone']} gone" if answer["gone"] else ""
            out.append(f"{name}: {answer['landed']} new, {answer['repeated']} known already{gone}")
            out += [f"  event        {kind}: {times}" for kind, times in answer["events"].items()]
    out += [f"  {state:<12} {times}" for state, times in told["settled"].items()]
    return [*out, f"  versions     {told['versions']}"]
