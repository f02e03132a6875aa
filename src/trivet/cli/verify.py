"""`trivet verify`: a dossier, offline, by the very script that it carries."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, json_option, show
from trivet.kernel.errors import ChecksFailed
from trivet.wiring.proofs import verify_dossier

__all__ = ["command"]


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--vkey", "vkeys", multiple=True, help="The log's public key, from the hospital and not from the archive.")
@json_option
def command(file: Path, vkeys: tuple[str, ...], as_json: bool) -> None:
    """Check every link of a dossier. Needs no home and no network. Exit 6 when one fails.

    \b
    Examples:
      trivet verify case.zip --vkey "$(cat hospital.vkey)"
      trivet verify case.zip --json
    """
    links = verify_dossier(file.read_bytes(), vkeys)
    failed = [link["link"] for link in links if link["state"] == "FAIL"]
    answer = {"file": str(file), "ok": not failed, "trusted": bool(vkeys), "links": links}
    show(as_json, answer, [f"{link['state']:14}{link['link']:10}{link['text']}" for link in links])
    if failed:
        fail(as_json, ChecksFailed("E665", f"the dossier does not hold: {', '.join(failed)}", where=str(file)))
