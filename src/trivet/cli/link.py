"""`trivet link`: any table of persons, or the home's doubtful links and what a human decides about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, progress, show, table
from trivet.flows.receive import process_pending
from trivet.flows.unlink import touched
from trivet.kernel.errors import Usage
from trivet.wiring import linking
from trivet.wiring.bulk_link import link_on

__all__ = ["command"]

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("link")
@click.option("--input", "source", type=FILE, default=None, metavar="CSV", help="A table of persons.")
@click.option("--against", type=FILE, default=None, metavar="CSV", help="The other table; without it the first is de-duplicated.")
@click.option("--map", "mapped", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field, where its header does not say.")
@click.option("--out", type=FILE, default=None, metavar="CSV", help="Where the decisions go.")
@click.option("--confirm", type=int, default=None, metavar="REVIEW", help="These two are one person.")
@click.option("--reject", type=int, default=None, metavar="REVIEW", help="These two are not, and stay apart.")
@click.option("--separate", default=None, metavar="RECORD", help="Take a record (Patient/ID) out of its person.")
@click.option("--merge", nargs=2, default=None, metavar="RECORD RECORD", help="Make two records' persons one.")
@click.option("--unmerge", type=int, default=None, metavar="EVENT", help="Undo a link or merge, exactly.")
@click.option("--actor", default="", help="Who decides.")
@click.option("--reason", default="", help="Why.")
@click.option("--engine", default="", metavar="ENGINE", help="Compare the pairs of a table on an engine (spark), not in this process.")
@click.option("--master", default="local[*]", show_default=True, help="Where Spark runs.")
@home_option
@json_option
def command(
    source: Path | None,
    against: Path | None,
    mapped: tuple[str, ...],
    out: Path | None,
    engine: str,
    master: str,
    home: Path,
    as_json: bool,
    **decision: Any,
) -> None:
    """Link persons: in any table (columns are recognised by their headers), or in the home.

    Without --against each row gets a cluster (columns row, cluster, probability); with it each row is decided against the other table
    (row, decision, against_row, probability, reasons). Rows count from 0. Without --input: links what waits in the home, prints the doubts,
    or takes one decision about them.

    \b
    Examples:
      trivet link --input patients.csv --out clusters.csv
      trivet link --input a.csv --against b.csv --map family=NACHNAME --out matches.csv --json
      trivet link --input patients.csv --out clusters.csv --engine spark --master "local[8]"
      trivet link --confirm 12 --actor "R. Abernathy" --reason "seen both charts"
    """
    if source is None:
        if engine:
            raise Usage("E294", "only tables are linked on an engine", why="a home links each record as it comes", help="--input CSV")
        with opened(home) as house:
            answer = at_home(house, decision)
        show(as_json, answer, lines(answer))
        return
    if out is None:
        raise Usage("E294", "where should the decisions go?", help="--out decisions.csv")
    pairs = dict(pair.split("=", 1) for pair in mapped if "=" in pair)
    if len(pairs) != len(mapped):
        raise Usage("E289", "--map takes FIELD=COLUMN", why=", ".join(mapped), help="--map family=LAST_NAME")
    progress(f"reading {source}" + (f" against {against}" if against else ""))
    if engine:
        answer = link_on(engine, source, against, pairs, out, {"master": master} if engine == "spark" else {})
    else:
        answer = linking.link_files(source, against, pairs, out) if against else linking.deduplicate_file(source, pairs, out)
    show(as_json, answer, [f"  {name}: {', '.join(value) if isinstance(value, list) else value}" for name, value in answer.items()])


def at_home(house: Any, decision: dict[str, Any]) -> dict[str, Any]:
    """Link what waits; take a decision when one was given; give the doubts."""
    pending = process_pending(house)
    who = {"actor": decision["actor"], "reason": decision["reason"], "at": house.clock.now()}
    desk = linking.steward(house)
    taken, rested = [], list[str]()
    for action in ("confirm", "reject", "separate", "unmerge"):
        if decision[action] is not None:
            parted = desk.stands(action, decision[action]) if action in ("separate", "unmerge") else (frozenset(), 0)
            taken.append(desk.decide(action, decision[action], **who))
            rested += touched(house, *parted)
    if decision["merge"]:
        taken.append(desk.decide("merge", decision["merge"][0], other=decision["merge"][1], **who))
    reviews = linking.reviews(house)
    large = sum(row["kind"] == "crowded" for row in reviews)
    return {
        "settled": sum(pending.states.values()),
        "decisions": taken,
        "touched": rested,
        "reviews": reviews,
        "block_too_large": large,
    }


def lines(answer: dict[str, Any]) -> list[str]:
    """The doubts, for people."""
    said = [f"decided: ledger position {seq}" for seq in answer["decisions"]]
    said += [f"  rested on what is parted now: {name} (trivet explain {name})" for name in answer["touched"]]
    columns = ("review", "urgency", "kind", "rule", "score", "subject", "other")
    rows = [
        [row[column] if column != "score" or row[column] is None else f"{row[column]:.1f}" for column in columns]
        for row in answer["reviews"]
    ]
    return [*said, *table(columns, rows), f"{len(rows)} wait for a human, {answer['block_too_large']} because a block was too large"]
