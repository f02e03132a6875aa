"""`trivet suspend`: stop a model at once."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show

__all__ = ["command", "who"]


def who(principal: str) -> str:
    """The principal that acts, or whoever sits at this machine."""
    return principal or f"local:{getpass.getuser()}"


@click.command("suspend")
@click.argument("model")
@home_option
@click.option("--reason", default="", help="Why; it is kept, and shown to whoever asks.")
@click.option("--as", "principal", default="", help="Who stops it; whoever sits at this machine if not given.")
@click.option("--drill", "drilling", is_flag=True, help="Only practise: would the fallback answer, and how fast? Kept as evidence.")
@json_option
def command(model: str, home: Path, reason: str, principal: str, drilling: bool, as_json: bool) -> None:
    """Stop every version of MODEL, everywhere, now. One person suffices; taking it back needs others (`trivet promote`).

    What clinicians get instead: the use's fallback, or the use's own words for what to do without an answer.

    \b
    Examples:
      trivet suspend readmit-gb --reason "scores look wrong since the laboratory change"
      trivet suspend readmit-gb --drill
    """
    from trivet.flows.drill import practise
    from trivet.flows.suspend import suspend

    with opened(home) as house:
        if drilling:
            kept = practise(house, model, house.settings["site"]["id"], who(principal))
            show(as_json, asdict(kept), [f"{kept.model}: {kept.title}: {kept.result}, counts until {kept.expires_at[:10]}"])
            return
        deed = suspend(house, model, reason, who(principal))
        show(as_json, asdict(deed), [f"{deed.what}: {deed.details.get('grants_revoked', '0')} grants ended" if deed.seqs else deed.what])
