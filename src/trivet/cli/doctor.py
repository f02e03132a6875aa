"""`trivet doctor`: is this sound."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, home_option, json_option, show
from trivet.kernel.errors import ChecksFailed
from trivet.wiring.doctor import examine

__all__ = ["command"]


@click.command("doctor")
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    """Examine machine and home: found, why it matters, what to do. Ends with 6 when something is wrong.

    \b
    Examples:
      trivet doctor
      trivet doctor --home /srv/trivet --json
    """
    findings = examine(home)
    lines = []
    for finding in findings:
        lines.append(f"{finding['state']:5}  {finding['check']:16} {finding['found']}")
        if finding["state"] != "ok":
            lines += [f"       why: {finding['why']}"] * bool(finding["why"]) + [f"       do:  {finding['remedy']}"] * bool(
                finding["remedy"]
            )
    wrong = [finding["check"] for finding in findings if finding["state"] == "wrong"]
    show(as_json, {"sound": not wrong, "findings": findings}, lines)
    if wrong:
        fail(as_json, ChecksFailed("E143", f"{len(wrong)} of {len(findings)} checks are wrong", why=", ".join(wrong)))
