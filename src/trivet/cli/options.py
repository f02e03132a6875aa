"""Options and output that every command shares: where the home is, `--json`, progress on standard error.

@click.command("reconcile")
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    with opened(home) as house:
        show(as_json, answer, lines)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from trivet.kernel import jsontext
from trivet.kernel.errors import Problem

if TYPE_CHECKING:
    from trivet.contracts.access import Caller
    from trivet.contracts.house import House
    from trivet.contracts.ports import Clock

__all__ = ["caller_of", "caller_options", "fail", "home_option", "json_option", "opened", "progress", "show", "table"]

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TRIVET_HOME",
    default=Path("trivet-home"),
    show_default=True,
    show_envvar=True,
    help="The home's folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


def caller_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--role`, `--purpose` and `--reason`: who asks for persons' data, and what for."""
    role = click.option("--role", default="", help="Who asks: a role of maps/access/roles.csv; as the settings say when left out.")
    purpose = click.option("--purpose", default="", help="What for: TREAT, HOPERAT, HPAYMT, HRESCH, BTG, ...")
    reason = click.option("--reason", default="", help="Why, in your own words; goes on record.")
    return role(purpose(reason(command)))


def caller_of(house: House, role: str, purpose: str, reason: str) -> Caller:
    """The caller that a command line names; the settings say the rest."""
    made: Caller = house.role("access").caller(role, purpose, reason, getuser())
    return made


@contextmanager
def opened(home: Path, clock: Clock | None = None) -> Iterator[House]:
    """The home, opened, and closed again whatever happens. NotFound when there is none."""
    from trivet.wiring.build import open_home

    house = open_home(home, clock=clock)
    try:
        yield house
    finally:
        house.close()


def show(as_json: bool, answer: Any, lines: Iterable[str]) -> None:
    """The answer as one JSON object, or as lines for people."""
    if as_json:
        click.echo(jsontext.dumps(answer).decode("utf-8"))
        return
    for line in lines:
        click.echo(line)


def fail(as_json: bool, problem: Problem) -> NoReturn:
    """End with the problem's exit code after an answer was shown; with --json nothing more is printed, one object is enough."""
    if as_json:
        raise click.exceptions.Exit(problem.exit)
    raise problem


def progress(text: str) -> None:
    """A word to whoever waits; never part of the answer."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Rows in columns, numbers to the right, the columns' names on top."""
    head = list(columns)
    body = [["" if value is None else str(value) for value in row] for row in rows]
    numeric = [bool(body) and all(_number(row[place]) for row in body) for place in range(len(head))]
    widths = [max([len(name), *(len(row[place]) for row in body)]) for place, name in enumerate(head)]
    for row in [head, ["-" * width for width in widths], *body]:
        cells = zip(row, widths, numeric, strict=True)
        yield "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()


def _number(text: str) -> bool:
    return not text or text.lstrip("-").replace(".", "", 1).isdigit()
