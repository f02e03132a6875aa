"""`trivet translate`: files to records, lineage and coverage, without a home."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import click

from trivet.cli.options import json_option, progress, show
from trivet.wiring.bulk_translate import translate_on
from trivet.wiring.translate import Summary, read_profile, translate_paths

__all__ = ["command"]


@click.command("translate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--format", "form", default="auto", show_default=True, help="auto, hl7v2, fhir, ccda, x12, dicom or csv.")
@click.option("--source", default="", help="Name of the feed; part of every record's id.")
@click.option("--profile", type=click.Path(path_type=Path, dir_okay=False), help="What the site says about the feed (TOML).")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the four files.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes to work in.")
@click.option("--engine", default="pool", show_default=True, help="pool (processes here), spark, or an installed plugin.")
@click.option("--master", default="", help="Where Spark runs, if not on WORKERS cores of this machine.")
@json_option
def command(
    paths: tuple[Path, ...],
    form: str,
    source: str,
    profile: Path | None,
    out: Path,
    workers: int,
    engine: str,
    master: str,
    as_json: bool,
) -> None:
    """Write records.ndjson, lineage.ndjson, coverage.json and rejects.ndjson for PATHS (folders are walked).

    Exit code 4 when some of it was rejected; the rest is done.

    \b
    Examples:
      trivet translate export/ --source ehr --out result --json
      trivet translate claims.837 --format x12 --profile billing.toml --out result
      trivet translate export/ --source ehr --engine spark --workers 8 --out result
    """
    number = count(1)

    def tell(done: Summary) -> None:
        # Its number, never its name: files are named after patients.
        progress(f"input {next(number)}: {done.format or 'not taken'}, {sum(done.records.values())} records, {done.rejects} rejects")

    feed = read_profile(profile, source, form)
    if engine == "pool":
        total = translate_paths(paths, out, feed, workers=workers, tell=tell)
    else:
        options = {"master": master or f"local[{workers}]"} if engine == "spark" else {}
        total = translate_on(engine, paths, out, feed, tell=tell, options=options)
    answer = {"out": str(out), **total.as_dict()}
    elements = answer["elements"]
    lines = [
        f"{answer['units']} units, {sum(total.records.values())} records, {answer['rejects']} rejects in {out}",
        f"{elements['total']} source elements: " + ", ".join(f"{count} {name}" for name, count in elements.items() if name != "total"),
        *(f"  uncovered {row['field']}: {row['count']}" for row in answer["uncovered"][:20]),
    ]
    show(as_json, answer, lines)
    if total.rejects:
        sys.exit(4)
