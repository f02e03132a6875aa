"""`trivet deidentify`: FHIR files without their persons, by a table of rules that denies by default."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trivet.cli.options import json_option, show
from trivet.kernel.clock import SystemClock
from trivet.kernel.errors import Usage
from trivet.wiring.deidentify import deidentify, make_key, read_key

__all__ = ["command"]


@click.command("deidentify")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--policy", default="safe_harbor", show_default=True, help="safe_harbor, shifted or limited.")
@click.option(
    "--rules", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Your own rules: CSV, or JSON with fhirPathRules."
)
@click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), help="The export's secret, at least 16 bytes, readable by you alone."
)
@click.option("--new-key", type=click.Path(path_type=Path, dir_okay=False), help="Make such a key and use it.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="An empty folder for the result.")
@click.option("--pixels", is_flag=True, help="Keep the pixels of DICOM objects whose header says that nothing is burnt into them.")
@json_option
def command(
    paths: tuple[Path, ...], policy: str, rules: Path | None, key: Path | None, new_key: Path | None, out: Path, pixels: bool, as_json: bool
) -> None:
    """Write PATHS (FHIR R4 as JSON or NDJSON, DICOM objects; folders are walked) de-identified, and report.json.

    Exit code 4 when some of it was no resource; the rest is done.

    \b
    Examples:
      trivet deidentify bulk-export/ --new-key export.key --out for-research
      trivet deidentify bulk-export/ --policy shifted --key export.key --out second-part --json
    """
    if (key is None) == (new_key is None):
        raise Usage(
            "E704", "an export needs exactly one key", why="ids are hashed and dates moved under it", help="--key FILE or --new-key FILE"
        )
    if new_key is not None:
        make_key(new_key)
    report = deidentify(paths, out, policy, rules, read_key(key or new_key or Path()), int(SystemClock().now()[:4]), pixels=pixels)
    seen = report["exposure"]
    lines = [
        f"{sum(report['resources'].values())} resources, {report['rejects']} rejects in {out}",
        f"policy {report['policy']}: {report['taken_out_by_no_rule']} values taken out that no rule names",
        f"{seen['persons']} persons, {seen['classes']} classes: k = {seen['k']}, l = {seen['l']}, {seen['unique']} unique",
    ]
    show(as_json, {"out": str(out), **report}, lines)
    if report["rejects"]:
        sys.exit(4)
