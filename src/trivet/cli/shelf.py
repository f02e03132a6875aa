"""`trivet shelf`: the record versions as an Iceberg table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trivet.cli.options import fail, home_option, json_option, opened, show, table
from trivet.kernel.errors import ChecksFailed
from trivet.wiring.rooms import position

__all__ = ["command"]

ACTS = ("publish", "compact", "expire", "hold", "release", "list", "prove")
NAMED = ("hold", "release")


@click.command("shelf")
@click.argument("act", type=click.Choice(ACTS))
@click.argument("name", required=False, default="")
@click.option("--engine", default="duckdb", show_default=True, help="Of prove: who reads the files: duckdb, spark, or an installed plugin.")
@click.option("--as-of", default=None, metavar="SEQ|TIME", help="Of prove: as of an earlier position or instant.")
@home_option
@json_option
def command(act: str, name: str, engine: str, as_of: str | None, home: Path, as_json: bool) -> None:
    """Publish the record versions as an Iceberg table in `shelves/lake`, and tidy it.

    publish appends what is new; compact writes the same in fewer files; expire forgets old snapshots; hold NAME keeps the newest one
    through all of that, release NAME lets it go; prove [NAME] compares a snapshot, read by an engine, with the store as of then (exit 6
    when they differ).

    \b
    Examples:
      trivet shelf publish
      trivet shelf hold trial-2026
      trivet shelf prove trial-2026 --json
      trivet shelf prove --engine spark --as-of 2026-01-31
    """
    from trivet.flows import lake
    from trivet.wiring.shelving import prove_by

    if bool(name) != (act in NAMED) and act != "prove":
        raise click.UsageError(f"{act} takes {'a' if act in NAMED else 'no'} NAME")
    with opened(home) as house:
        if act == "prove":
            proof = prove_by(house, name, position(house, as_of), engine)
            said = f"{proof['versions']} versions as of {proof['as_of']}, read by {engine}: "
            show(as_json, proof, [said + ("equal" if proof["equal"] else "DIFFERENT")])
            if not proof["equal"]:
                fail(as_json, ChecksFailed("E307", "a snapshot says something else than the store", where=name, help="trivet rebuild"))
            return
        role = house.role("lake")
        told: dict[str, Any] = (
            lake.publish(house) if act == "publish" else getattr(role, "shown" if act == "list" else act)(*([name] if name else []))
        )
        columns = ("id", "versions", "known_seq", "held")
        show(
            as_json,
            told,
            table(columns, [[one["id"], one["versions"], one["known_seq"], ", ".join(one["held"])] for one in told["snapshots"]]),
        )
