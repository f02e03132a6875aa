"""`trivet piqi`: HL7's PIQI rubric over records, scored by source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import caller_of, caller_options, home_option, json_option, opened, show, table
from trivet.flows.ask import permit

__all__ = ["command"]

given = click.Path(path_type=Path, exists=True)


@click.command("piqi")
@click.argument("paths", nargs=-1, type=given)
@click.option("--rubric", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Criteria of your own (CSV).")
@click.option(
    "--vocabulary", type=click.Path(path_type=Path, file_okay=False, exists=True), help="An OHDSI vocabulary release: is a code real?"
)
@click.option("--open", "name", default="", metavar="CRITERION", help="Print the records that fail one criterion.")
@click.option("--limit", default=100, show_default=True, help="Most rows to print.")
@caller_options
@home_option
@json_option
def command(
    paths: tuple[Path, ...],
    rubric: Path | None,
    vocabulary: Path | None,
    name: str,
    limit: int,
    role: str,
    purpose: str,
    reason: str,
    home: Path,
    as_json: bool,
) -> None:
    """Score the home's current records by source, or FHIR files (PATHS) without a home. Score = passed / performed.

    Over a home, role and purpose must permit it; records of persons whose consent refuses the purpose are left out.

    \b
    Examples:
      trivet piqi --json
      trivet piqi --open lab.unit.plausible
      trivet piqi bundles/ --vocabulary athena/
    """
    from trivet.wiring.piqi import score_files, score_home

    if paths:
        from trivet.kernel.clock import SystemClock

        answer = score_files(paths, SystemClock().now()[:10], rubric, vocabulary, name)
    else:
        with opened(home) as house:
            left_out = permit(house, caller_of(house, role, purpose, reason), "piqi", ("clinical",))
            answer = score_home(house, rubric, vocabulary, name, left_out) | {"left_out_by_consent": len(left_out)}
    if name:
        columns = ("record", "source", "receipt", "why")
        rows = [[row[column] for column in columns] for row in answer["rows"][:limit]]
        show(as_json, answer, [*table(columns, rows), f"{answer['failing']} records fail {name}"])
        return
    show(as_json, answer, lines(answer))


def lines(answer: dict[str, Any]) -> list[str]:
    """Sources, then the criteria of each that fail most, for people."""
    sources = answer["sources"]
    head = ("source", "records", "index", "performed", "critical")
    rows = [(source, one["records"], one["index"], f"{one['performed']:g}", one["critical_failures"]) for source, one in sources.items()]
    told = list(table(head, rows))
    for source, one in sources.items():
        worst = sorted((row for row in one["criteria"] if row["fail"] or row["skip"]), key=lambda row: (-row["fail"], row["criterion"]))
        if worst:
            shape = ("criterion", "pass", "fail", "skip", "share")
            told += ["", f"{source}:", *table(shape, [[row[column] for column in shape] for row in worst])]
    return told
