"""`trivet validate`: files judged as FHIR R4, without a home."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trivet.cli.options import json_option, show
from trivet.wiring.validate import validate_paths

__all__ = ["command"]


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--known-extensions", is_flag=True, help="Refuse extensions that FHIR R4 does not define.")
@click.option(
    "--strict", is_flag=True, help="Vital signs as the standard demands them, check digits of LOINC and SNOMED CT: errors, not warnings."
)
@click.option("--no-examples", is_flag=True, help="Refuse addresses of examples (example.org) as extensions.")
@click.option("--most", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="Findings to list; counts hold all.")
@json_option
def command(paths: tuple[Path, ...], known_extensions: bool, strict: bool, no_examples: bool, most: int, as_json: bool) -> None:
    """Judge FHIR R4 resources, Bundles and NDJSON in PATHS (folders are walked): structure, values, codes, references, invariants.

    Exit code 4 when a resource was refused.

    \b
    Examples:
      trivet validate bundle.json --json
      trivet validate result/records.ndjson --known-extensions
    """
    report = validate_paths(paths, most, known_extensions=known_extensions, strict=strict, examples=not no_examples)
    answer = report.as_dict()
    lines = [
        f"{report.resources} resources in {report.files} files: {report.refused} refused, {report.errors} errors,"
        f" {report.warnings} warnings",
        *(f"  {count:>6} {rule}" for rule, count in report.rules.most_common(20)),
        *(f"{row['severity']} {row['expression'] or '(the text)'} [{row['rule']}] {row['message']}" for row in report.findings[:50]),
    ]
    show(as_json, answer, lines)
    if report.refused:
        sys.exit(4)
