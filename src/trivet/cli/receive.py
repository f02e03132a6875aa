"""`trivet receive`: files into the home."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, progress, show
from trivet.flows.receive import Tally
from trivet.wiring.intake import receive_paths, register

__all__ = ["command"]


@click.command("receive")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--source", required=True, help="The feed's name, as in trivet.toml.")
@click.option("--format", "form", default="auto", show_default=True, help="auto, hl7v2, fhir, ccda, x12, dicom, csv or a plugin's name.")
@home_option
@json_option
def command(paths: tuple[Path, ...], source: str, form: str, home: Path, as_json: bool) -> None:
    """Take files in: durable first, then translated, linked and shelved. The same file twice changes nothing.

    \b
    Examples:
      trivet receive adt.hl7 --source admissions
      trivet receive export/ --source ehr --format fhir --json
    """
    fresh = register(home, source, form)
    if fresh:
        progress(f"source {source} is new: written to {home / 'trivet.toml'} with owner unknown and documented = false")
    with opened(home) as house:
        if house.settings["home"]["synthetic"]:
            progress("this home is synthetic: nothing real may ever come into it")
        tally, passed_over = receive_paths(house, paths, source, form, Progress())
    answer = {**described(tally), "source": source, "source_registered": fresh, "passed_over": passed_over}
    show(as_json, answer, lines(answer))


def described(tally: Tally) -> dict[str, Any]:
    """The documented JSON form."""
    return {
        "files": tally.files,
        "bytes": tally.bytes,
        "landed": tally.landed,
        "repeated": tally.repeated,
        "mapped": tally.states["mapped"],
        "quarantined": tally.states["quarantined"],
        "ignored": tally.states["ignored"],
        "partial": tally.partial,
        "versions": tally.versions,
        "reasons": dict(sorted(tally.reasons.items())),
    }


class Progress:
    """A line at most twice a second."""

    def __init__(self) -> None:
        self.said_at = 0.0

    def __call__(self, tally: Tally) -> None:
        """Say where things stand."""
        if time.monotonic() - self.said_at > 0.5:
            self.said_at = time.monotonic()
            done = sum(tally.states.values())
            progress(f"  {tally.files} files, {tally.landed + tally.repeated} units landed, {done} settled")


def lines(answer: dict[str, Any]) -> list[str]:
    """What happened, for people."""
    out = [
        f"{answer['source']}: {answer['files']} files, {answer['bytes']} bytes",
        f"  landed       {answer['landed']} ({answer['repeated']} known already)",
        f"  mapped       {answer['mapped']} ({answer['partial']} in part), {answer['versions']} record versions",
        f"  quarantined  {answer['quarantined']}",
        f"  ignored      {answer['ignored']}",
    ]
    out += [f"  reason       {reason}: {times}" for reason, times in answer["reasons"].items()]
    return out + ([f"  left alone   {answer['passed_over']} hidden or unfinished files"] if answer["passed_over"] else [])
