"""`trivet register`: the documentation that interfaces write themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show, table

__all__ = ["command"]

out_option = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write Markdown to this file.")


class Register(click.Group):
    """A first word that is no command is a source: `trivet register lab` is `trivet register show lab`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group("register", cls=Register)
def command() -> None:
    """What each interface really carries, written by its traffic; what an engine's export describes; what lies in a folder.

    A first word that is no command names a source. `trivet register show SOURCE` serves for a source called like a command.

    \b
    Examples:
      trivet register list
      trivet register lab --out lab.md
      trivet register lab --since 2026-03-01 --until 2026-03-31 --diff
    """


@command.command("show")
@click.argument("source")
@click.option("--since", default="", help="First day (UTC), YYYY-MM-DD; with --diff the day up to which is before.")
@click.option("--until", default="", help="Last day (UTC), YYYY-MM-DD.")
@click.option("--diff", is_flag=True, help="What came up to --since against what came after it, up to --until.")
@out_option
@home_option
@json_option
def document(source: str, since: str, until: str, diff: bool, out: Path | None, home: Path, as_json: bool) -> None:
    """The register of SOURCE: types, parts, fields, value sets, volumes, silence, drift.

    \b
    Examples:
      trivet register show lab --out lab.md
      trivet register show lab --since 2026-03-01 --until 2026-03-31 --diff --json
    """
    from trivet.wiring.registering import difference_markdown, document_markdown

    with opened(home) as house:
        register = house.role("register")
        found = register.difference(source, since, until) if diff else register.document(source, since, until)
    written(difference_markdown(found) if diff else document_markdown(found), found, out, as_json)


def written(lines: Iterable[str], found: Any, out: Path | None, as_json: bool) -> None:
    """To a file when one is named, to standard output else."""
    if out is not None:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines = [f"written to {out}"]
    show(as_json, found, lines)


@command.command("list")
@home_option
@json_option
def listing(home: Path, as_json: bool) -> None:
    """Every interface that the register knows, and where it stands.

    \b
    Examples:
      trivet register list
      trivet register list --json
    """
    with opened(home) as house:
        rows = house.role("register").listing()
    show(as_json, {"interfaces": rows}, lines(rows))


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each interface."""
    columns = ("name", "origin", "formats", "units", "fields", "owner", "documented", "contract", "tests")
    yield from table(columns, [[row[name] for name in columns] for row in rows])
