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
    columns = ("name", "origin", "formats", "units", "fields", "owner", "documented", "contract", "tests", "findings")
    yield from table(columns, [[row[name] for name in columns] for row in rows])


@command.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@home_option
@json_option
def imported(paths: tuple[Path, ...], home: Path, as_json: bool) -> None:
    """Read exports of interface engines (Mirth Connect and its forks): channels, groups, code templates, full backups.

    What they describe stands in the register with `origin = export`; what is wrong with it opens in `trivet debt`. Secrets are told by
    place and kind, never shown. An export that breaks off is quarantined with its place (exit code 4); the rest is taken.

    \b
    Examples:
      trivet register import channels.xml
      trivet register import backup/ --json
    """
    from trivet.wiring.exporting import import_exports

    with opened(home) as house:
        found = import_exports(house, paths)
    show(as_json, found, export_lines(found))
    if found["quarantined"]:
        raise click.exceptions.Exit(4)


def export_lines(found: dict[str, Any]) -> Iterator[str]:
    """For people: interfaces with their sizes, findings with their places, exports that could not be read whole."""
    columns = ("name", "kind", "version", "enabled", "destinations", "rules", "steps", "scripts", "lines", "findings")
    rows = []
    for one in found["interfaces"]:
        destinations = sum(end["role"] == "destination" for end in one["connectors"])
        rules = sum(step["role"] == "filter" for step in one["steps"])
        lines = sum(script["lines"] for script in one["scripts"])
        sizes = (destinations, rules, len(one["steps"]) - rules, len(one["scripts"]), lines, len(one["findings"]))
        rows.append([one["name"], one["kind"], one["version"], "yes" if one["enabled"] else "no", *sizes])
    yield from table(columns, rows)
    for one in found["interfaces"]:
        for finding in one["findings"]:
            yield f"{finding['kind']}: {finding['about']}, {finding['detail']} (line {finding['line']})"
    for export in found["exports"]:
        if export["state"] == "quarantined":
            yield f"export {export['export']} is quarantined: {export['reason']} ({export['place']}, byte {export['byte']})"


@command.command("scan")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "form", default="auto", show_default=True, help="auto, hl7v2, fhir, ccda, x12, dicom or csv.")
@click.option("--names", is_flag=True, help="Tell files by name; a file's name may name a person.")
@out_option
@json_option
def scanned(folder: Path, form: str, names: bool, out: Path | None, as_json: bool) -> None:
    """Document what lies in FOLDER, before anything is installed: no home is needed and nothing is kept.

    \b
    Examples:
      trivet register scan extracts/ --out extracts.md
      trivet register scan extracts/ --format hl7v2 --json
    """
    from trivet.wiring.scanning import scan, scan_markdown

    found = scan(folder, "" if form == "auto" else form, names=names)
    written(scan_markdown(found), found, out, as_json)
