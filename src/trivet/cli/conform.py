"""`trivet conform`: an external suite, counted."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trivet.kernel.errors import ChecksFailed, Usage
from trivet.wiring import suites

__all__ = ["command"]


@click.command("conform")
@click.argument("suite", required=False)
@click.option(
    "--corpora", type=click.Path(path_type=Path, file_okay=False), default=Path("../shared/corpora"), help="Folder with the suites."
)
@click.option("--list", "listing", is_flag=True, help="Name the known suites.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(suite: str | None, corpora: Path, listing: bool, as_json: bool) -> None:
    """Run SUITE over its folder and print passed, failed and excluded, with ids and reasons.

    \b
    Examples:
      trivet conform merkle-proofs --corpora ../shared/corpora --json
      trivet conform --list
    """
    if listing:
        click.echo(json.dumps(list(suites.SUITES)) if as_json else "\n".join(suites.SUITES))
        return
    if not suite:
        raise Usage("E500", "which suite?", help="trivet conform --list")
    result = suites.run(suite, corpora)
    report = result.as_dict()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        click.echo(f"{suite}: {report['passed']} passed of {report['total']}, {len(result.failed)} failed, {len(result.excluded)} excluded")
        for name, value in result.measures.items():
            click.echo(f"  {name}: {json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value}")
        for key, why in [*result.failed.items()][:50]:
            click.echo(f"  failed {key}: {why}")
        for key, why in result.excluded.items():
            click.echo(f"  excluded {key}: {why}")
    if result.failed:
        raise ChecksFailed("E503", f"{len(result.failed)} cases of {suite} failed", help=f"trivet conform {suite} --json")
