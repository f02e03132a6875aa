"""`trivet seat`: who holds which duty of which model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show, table
from trivet.cli.suspend import who
from trivet.contracts.house import House
from trivet.kernel.errors import Usage

__all__ = ["command"]


@click.command("seat")
@click.argument("model", required=False)
@click.argument("seat", required=False)
@home_option
@click.option("--to", "principal", default="", help="Who takes the seat.")
@click.option("--vacate", is_flag=True, help="Nobody holds it from now on; a vacant duty stops the model.")
@click.option("--reason", default="", help="Why.")
@click.option("--staff", type=click.Path(path_type=Path, dir_okay=False), help="Enrol and seat everybody that a staff file names.")
@click.option("--as", "by", default="", help="Who says so; whoever sits at this machine if not given.")
@json_option
def command(
    model: str | None, seat: str | None, home: Path, principal: str, vacate: bool, reason: str, staff: Path | None, by: str, as_json: bool
) -> None:
    """Show who holds which duty, seat somebody, or vacate a seat. Separation of duties is enforced here, not asked for.

    \b
    Examples:
      trivet seat readmit-gb
      trivet seat readmit-gb answer --to d.rao
    """
    with opened(home) as house:
        seats = house.office.seats
        if staff is not None:
            from trivet.flows.found import seat_people
            from trivet.wiring.governance import read_staff

            said = seat_people(house, read_staff(staff))
            show(as_json, {"done": said}, said)
            return
        if seat and model and (principal or vacate):
            act = seats.leave if vacate else seats.take
            words = (reason,) if vacate else (principal,)
            more = {} if vacate else {"reason": reason}
            house.store.write(lambda tx: act(tx, model, seat, *words, by=who(by), **more))
        elif seat:
            raise Usage("E738", "seat whom?", help=f"trivet seat {model} {seat} --to PRINCIPAL")
        boards = board(house, model)
        show(as_json, {"seats": boards}, lines(boards))


def board(house: House, model: str | None) -> list[dict[str, Any]]:
    """Every seat of one model, or of all that are registered."""
    names = [model] if model else sorted({release.model for release in house.office.state().releases()})
    return [{"model": name, **row} for name in names for row in house.office.seats.board(name)]


def lines(boards: list[dict[str, Any]]) -> Iterator[str]:
    """For people."""
    rows = [
        (row["model"], row["seat"], "VACANT" if row["vacant"] else row["principal"], row["name"], row["since"][:10], row["question"])
        for row in boards
    ]
    yield from table(("model", "seat", "held by", "name", "since", "question"), rows)
