"""`trivet view`: SQL on FHIR views."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import caller_of, caller_options, json_option, opened, show, table
from trivet.flows.ask import permit
from trivet.kernel.errors import Usage
from trivet.wiring.rooms import position

__all__ = ["command"]


@click.group("view")
def command() -> None:
    """SQL on FHIR v2: one ViewDefinition, the same rows from every engine.

    \b
    Examples:
      trivet view run bloodpressure.json --input observations.ndjson --json
      trivet view run us-core-patient --home trivet-home
      trivet view compile patients.json --engine spark
      trivet view list
    """


engine_option = click.option("--engine", default="duckdb", show_default=True, help="duckdb, spark, reference, or an installed plugin.")


@command.command("run")
@click.argument("view")
@click.option(
    "--input",
    "source",
    type=click.Path(path_type=Path, exists=True),
    help="NDJSON, Parquet (column raw), a Bundle, a resource, or a folder.",
)
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Instead of --input: the newest records of a home.")
@click.option("--as-of", default=None, metavar="SEQ|TIME", help="Of a home, what was known at a ledger position or an instant.")
@engine_option
@caller_options
@click.option("--fallback", is_flag=True, help="Let the reference engine run what has no SQL; the answer says so.")
@json_option
def run(
    view: str,
    source: Path | None,
    home: Path | None,
    as_of: str | None,
    engine: str,
    role: str,
    purpose: str,
    reason: str,
    fallback: bool,
    as_json: bool,
) -> None:
    """Run VIEW, a file or the name of a view that ships, over the resources of --input or of --home.

    \b
    Examples:
      trivet view run patients.json --input patients.ndjson
      trivet view run us-core-condition --input export/ --engine spark --json
      trivet view run us-core-patient --home trivet-home --as-of 2026-01-31
    """
    from trivet.wiring.viewing import run_view

    if home is not None and source is None:
        with opened(home) as house:
            left_out = permit(house, caller_of(house, role, purpose, reason), f"view {Path(view).name}")
            answer = run_view(view, None, engine, house=house, fallback=fallback, left_out=left_out, as_of=position(house, as_of))
    elif as_of is not None:
        raise Usage("E357", "files have no positions: --as-of is of a --home", help="trivet view run --help")
    else:
        answer = run_view(view, source, engine, fallback=fallback)
    said = [f"note: {note}" for note in [answer.get("fallback", ""), *answer.get("notes", ())] if note]
    show(as_json, answer, [*table(answer["columns"], answer["rows"]), f"{len(answer['rows'])} rows", *said])


@command.command("compile")
@click.argument("view")
@engine_option
@json_option
def compile_(view: str, engine: str, as_json: bool) -> None:
    """Print the SQL that an engine would run for VIEW over a relation `records` (column `raw`), and the plan it comes from.

    \b
    Examples:
      trivet view compile us-core-patient
      trivet view compile patients.json --engine spark --json
    """
    from trivet.wiring.viewing import compiled

    said = compiled(view, engine)
    answer = {"engine": said.engine, "sql": said.sql, "plan": list(said.plan), "notes": list(said.notes), "fallback": said.fallback}
    lines = [*(f"-- {line}" for line in said.plan), *(f"-- note: {note}" for note in said.notes)]
    show(as_json, answer, [*lines, *([f"-- no SQL: {said.fallback}"] if said.fallback else [said.sql])])


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The views that ship.

    \b
    Examples:
      trivet view list
      trivet view list --json
    """
    from trivet.wiring.viewing import shipped

    found = [{"name": name, "resource": view["resource"], "title": view.get("title", "")} for name, view in shipped().items()]
    show(as_json, {"views": found}, table(["name", "resource", "title"], [list(one.values()) for one in found]))
