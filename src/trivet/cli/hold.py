"""`trivet hold`: what is under a legal hold is not erased."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show, table
from trivet.cli.suspend import who

__all__ = ["command"]


@click.command("hold")
@click.argument("whom", required=False, default="")
@click.option("--reason", default="", help="Why; it is kept, sealed.")
@click.option("--release", "ending", is_flag=True, help="End the hold.")
@click.option("--list", "listing", is_flag=True, help="The holds in force.")
@click.option("--as", "principal", default="", help="Who holds; whoever sits at this machine if not given.")
@home_option
@json_option
def command(whom: str, reason: str, ending: bool, listing: bool, principal: str, home: Path, as_json: bool) -> None:
    """Hold WHOM: a person's id, or `home` for everybody. While it stands, `trivet erase` is refused.

    \b
    Examples:
      trivet hold p-1f0c2a77b1e94d0f8a31 --reason "case 7 of 2026"
      trivet hold home --release --reason "case closed"
      trivet hold --list --json
    """
    from trivet.flows.erase import hold, holds, release

    if listing == bool(whom):
        raise click.UsageError("either WHOM or --list")
    with opened(home) as house:
        if listing:
            standing = list(holds(house).values())
            columns = ("seq", "at", "who", "by", "reason")
            show(as_json, {"holds": standing}, table(columns, [[one[name] for name in columns] for one in standing]))
            return
        seq = (release if ending else hold)(house, whom, reason=reason, by=who(principal))
        act = "release" if ending else "hold"
        show(as_json, {"seq": seq, "act": act}, [f"{act} at ledger {seq}"])
