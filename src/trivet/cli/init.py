"""`trivet init`: a new home."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import json_option, show
from trivet.wiring.build import init_home
from trivet.wiring.governance import seat_first

__all__ = ["command"]


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--site", default="site", show_default=True, help="The word that grants are bound to, such as main-campus.")
@click.option("--name", default="Unnamed site", show_default=True, help="The site's name for people.")
@click.option("--zone", default="UTC", show_default=True, help="IANA zone of the site's wall clock.")
@click.option("--origin", default="", help="Name of the ledger, such as example.org/trivet. [default: SITE/trivet]")
@click.option("--synthetic", is_flag=True, help="No real patient will ever be in this home. Cannot be undone.")
@click.option("--staff", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Who sits where at the start: a staff file.")
@json_option
def command(folder: Path, site: str, name: str, zone: str, origin: str, synthetic: bool, staff: Path | None, as_json: bool) -> None:
    """Make a new home in DIR: settings, keys, an empty store and a ledger.

    \b
    Examples:
      trivet init trivet-home
      trivet init /srv/trivet --site main-campus --name "Main Campus" --zone America/Chicago
    """
    house = init_home(folder, site=site, name=name, zone=zone, origin=origin, synthetic=synthetic)
    if staff is not None:
        seat_first(house, staff)
    house.close()
    answer = {"home": str(folder), "site": site, "synthetic": synthetic, "settings": str(folder / "trivet.toml")}
    lines = [
        f"A home in {folder}",
        f"  settings  {folder / 'trivet.toml'}",
        f"  next      trivet receive FILE --source NAME --home {folder}",
    ]
    lines += [f"  keep      {folder / 'keys'} apart from the rest, and backed up: without it nothing can be read"]
    show(as_json, answer, lines)
