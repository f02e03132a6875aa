"""`trivet omop`: OMOP CDM 5.4 out of a home or out of FHIR files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import caller_of, caller_options, home_option, json_option, opened, show, table
from trivet.flows.ask import permit

__all__ = ["command"]

folder = click.Path(path_type=Path, file_okay=False, exists=True)
vocabulary_option = click.option("--vocabulary", type=folder, help="Folder with an OHDSI vocabulary release as Athena hands it out.")
zone_option = click.option("--zone", default="UTC", show_default=True, help="The one zone that all instants are converted to.")
conventions_option = click.option(
    "--conventions", multiple=True, metavar="NAME|FILE", help="Lay other conventions over ours (CSV). Repeatable."
)
kinds = click.Choice(["parquet", "duckdb", "postgresql"])


@click.group("omop")
def command() -> None:
    """OMOP CDM 5.4, following HL7's FHIR to OMOP guide; incremental, and a second run over the same changes nothing.

    \b
    Examples:
      trivet omop build --target duckdb omop.duckdb --vocabulary athena/
      trivet omop convert bundles/ --vocabulary athena/ --out omop/
    """


@command.command("build")
@click.argument("where", metavar="DIR|FILE|URL")
@click.option("--target", "kind", type=kinds, default="parquet", show_default=True, help="What to write.")
@vocabulary_option
@zone_option
@conventions_option
@caller_options
@home_option
@json_option
def build(
    where: str,
    kind: str,
    vocabulary: Path | None,
    zone: str,
    conventions: tuple[str, ...],
    role: str,
    purpose: str,
    reason: str,
    home: Path,
    as_json: bool,
) -> None:
    """Publish the home's current records at DIR, FILE or URL. Only persons whose records changed are converted again.

    Role and purpose must permit it; persons whose consent refuses the purpose are left out.

    \b
    Examples:
      trivet omop build omop/ --vocabulary athena/ --json
      trivet omop build postgresql://etl@db/research?schema=cdm --target postgresql --vocabulary athena/
    """
    from trivet.wiring.omop import build_home

    with opened(home) as house:
        left_out = permit(house, caller_of(house, role, purpose, reason), "omop build", ("clinical",))
        report = build_home(house, kind, where, vocabulary, zone, conventions, left_out)
    show(as_json, report, lines(report))


@command.command("convert")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of Parquet files, or a DuckDB file.")
@click.option("--target", "kind", type=click.Choice(["parquet", "duckdb"]), default="parquet", show_default=True, help="What to write.")
@vocabulary_option
@zone_option
@conventions_option
@json_option
def convert(
    paths: tuple[Path, ...], out: Path, kind: str, vocabulary: Path | None, zone: str, conventions: tuple[str, ...], as_json: bool
) -> None:
    """FHIR R4 files (resources, Bundles, NDJSON; folders are walked) to an OMOP database, without a home.

    Other formats: `trivet translate` first, then convert its records.ndjson.

    \b
    Examples:
      trivet omop convert export/ --vocabulary athena/ --out omop/
      trivet omop convert result/records.ndjson --target duckdb --out omop.duckdb --json
    """
    from trivet.kernel.clock import SystemClock
    from trivet.wiring.omop import convert_paths

    report = convert_paths(paths, out, SystemClock().now(), vocabulary, kind, zone, conventions)
    show(as_json, report, lines(report))


@command.command("source")
@click.argument("where", metavar="DIR|FILE|URL")
@click.argument("name", metavar="TABLE")
@click.argument("key", type=int)
@click.option("--target", "kind", type=kinds, default="parquet", show_default=True, help="What was written.")
@home_option
@json_option
def source(where: str, name: str, key: int, kind: str, home: Path, as_json: bool) -> None:
    """The records behind one row of a published table, with the receipts of their bytes.

    \b
    Examples:
      trivet omop source omop/ measurement 4817329915512733890
      trivet omop source omop/ condition_occurrence 77 --json
    """
    from trivet.wiring.omop import source_of

    with opened(home) as house:
        rows = source_of(house, kind, where, name, key)
    columns = ("record", "version", "receipt", "source")
    show(as_json, {"table": name, "key": key, "records": rows}, table(columns, [[row[column] for column in columns] for row in rows]))


def lines(report: dict[str, Any]) -> list[str]:
    """For people: what was written, what was left out and why, what waits to be mapped."""
    persons, run = report["persons"], report["run"]
    head = [
        f"{report['change']} build of {persons['all']} persons: {persons['converted']} converted, {persons['removed']} removed",
        f"CDM {run['cdm_version']}, vocabulary {run['vocabulary_release']}, {run['guide']}",
    ]
    account = report.get("account")
    if account is None:
        return head
    told = [f"  {name}: {count} rows" for name, count in account["written"].items()]
    for title, columns in (
        ("excluded", ("resource", "statement", "reason")),
        ("unmapped", ("column", "system", "code")),
        ("missing", ("resource", "column")),
    ):
        rows = account[title][:20]
        if rows:
            shape = (*columns, "count")
            told += ["", f"{title}:", *table(shape, [[row[column] for column in shape] for row in rows])]
    return head + told
