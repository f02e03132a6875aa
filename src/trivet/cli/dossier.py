"""`trivet dossier`: everything about one decision in one verifiable archive."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show
from trivet.kernel.errors import Usage

__all__ = ["command"]


@click.command("dossier")
@click.argument("decision")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The archive; DECISION.zip if not given.")
@click.option("--without", multiple=True, help="Leave out a part: raw (units and values of facts), record (the record and its lineage).")
@home_option
@json_option
def command(decision: str, out: Path | None, without: tuple[str, ...], home: Path, as_json: bool) -> None:
    """Write the archive of DECISION: record, lineage, raw units, ledger entries, proofs, and the script that verifies them.

    It holds personal data unless parts are left out, and making it is recorded in the ledger.

    \b
    Examples:
      trivet dossier D-000042 --out case.zip
      trivet dossier D-000042 --without raw --json
    """
    from trivet.flows.dossier import dossier

    with opened(home) as house:
        answer = dossier(house, decision, without)
        path = out or Path(f"{answer['decision_id']}.zip")
        data = answer.pop("data")
        try:
            path.write_bytes(data)
        except OSError as error:
            raise Usage("E664", "the archive could not be written", where=str(path), why=error.strerror or "") from None
        answer |= {"out": str(path), "bytes": len(data)}
        lines = [
            f"{path}: {answer['bytes']} bytes, {answer['entries']} ledger entries, {answer['units']} raw units",
            f"  sealed by ledger {answer['seq']}; give the recipient, by another way: {answer['vkey']}",
            f"  trivet verify {path}   or, with nothing installed: unzip {path} verify.py && python verify.py {path}",
        ]
        show(as_json, answer, lines)
