"""`trivet value`: what each use returns, computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show

__all__ = ["command"]


@click.command("value")
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    """What each use of AI costs and returns: effect with interval, the strength of the design, and a verdict.

    Without a baseline that was locked before the first answer the verdict is `unproven`, and there is no number.

    \b
    Examples:
      trivet value
      trivet value --json
    """
    with opened(home) as house:
        found = [asdict(one) for one in house.role("assessment").value()]
    show(as_json, {"uses": found}, lines(found))


def lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """For people."""
    if not found:
        yield "nothing has answered here yet, and nothing was promised"
    for one in found:
        yield f"{one['use']}: {one['verdict']} ({one['reason']})"
        if one["effect"]:
            yield f"  {one['metric']}: {one['baseline']} before (n={one['n_baseline']}), {one['observed']} since (n={one['n_observed']})"
            yield f"  effect {one['effect']} [{one['low']}, {one['high']}], design {one['design']}, strength {one['strength']} of 5"
            yield f"  gross {one['gross']} [{one['gross_low']}, {one['gross_high']}] {one['currency']}, net {one['net']} {one['currency']}"
        yield f"  cost so far {one['cost']} {one['currency']}"
