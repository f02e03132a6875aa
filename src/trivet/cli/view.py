"""`trivet view`: SQL on FHIR views."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import json_option, show, table

__all__ = ["command"]


@click.group("view")
def command() -> None:
    """SQL on FHIR v2: one ViewDefinition, the same rows from every engine.

    \b
    Examples:
      trivet view run bloodpressure.json --input observations.ndjson --json
      trivet view run patients.json --input bundle.json
    """


@command.command("run")
@click.argument("view", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--input", "source", type=click.Path(path_type=Path, exists=True), required=True, help="NDJSON, a Bundle, a resource, or a folder."
)
@click.option("--engine", type=click.Choice(["reference"]), default="reference", show_default=True, help="Who computes the rows.")
@json_option
def run(view: Path, source: Path, engine: str, as_json: bool) -> None:
    """Run VIEW over the resources of --input.

    \b
    Examples:
      trivet view run patients.json --input patients.ndjson
      trivet view run patients.json --input export/ --json
    """
    from trivet.wiring.viewing import run_view

    answer = run_view(view, source)
    show(as_json, answer, [*table(answer["columns"], answer["rows"]), f"{len(answer['rows'])} rows"])
