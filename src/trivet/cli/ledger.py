"""`trivet ledger`: sign, prove, export and verify the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import fail, home_option, json_option, opened, show
from trivet.kernel.errors import ChecksFailed
from trivet.wiring import proofs

__all__ = ["command"]


@click.group("ledger")
def command() -> None:
    """The append-only log: who can prove what about it.

    \b
    Examples:
      trivet ledger checkpoint --json
      trivet ledger prove 41 --out 41.tlog-proof
    """


@command.command("checkpoint")
@home_option
@json_option
def checkpoint(home: Path, as_json: bool) -> None:
    """Sign the head. Keep the printed checkpoint outside the house: only then can a complete rewrite be seen.

    \b
    Examples:
      trivet ledger checkpoint > kept.checkpoint
      trivet ledger checkpoint --json
    """
    with opened(home) as house:
        answer = proofs.sign_head(house)
        show(as_json, answer, [answer["note"].rstrip("\n")])


@command.command("prove")
@click.argument("seq", type=click.IntRange(min=0), required=False)
@click.option("--from", "old", type=click.IntRange(min=1), help="Prove instead that the log continues the one of this many entries.")
@click.option("--to", "new", type=click.IntRange(min=1), help="... up to this many entries.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proof there.")
@home_option
@json_option
def prove(seq: int | None, old: int | None, new: int | None, out: Path | None, home: Path, as_json: bool) -> None:
    """Prove that entry SEQ is in the signed log (C2SP tlog-proof), or that the log only grew (--from, --to).

    \b
    Examples:
      trivet ledger prove 41 --out 41.tlog-proof
      trivet ledger prove --from 100 --json
    """
    if (seq is None) == (old is None):
        raise click.UsageError("either SEQ or --from")
    with opened(home) as house:
        answer = proofs.prove_growth(house, old, new) if old is not None else proofs.prove_entry(house, seq or 0)
        text = answer["proof"] if "proof" in answer else "\n".join(answer["path"])
        if out is not None:
            out.write_text(text, encoding="utf-8")
        show(as_json, answer, [] if out is not None else [text.rstrip("\n")])


@command.command("export")
@click.option("--tiles", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the static tree.")
@home_option
@json_option
def export(folder: Path, home: Path, as_json: bool) -> None:
    """Write the log as static files (C2SP tlog-tiles), for mirrors and auditors. Entries hold no personal data.

    \b
    Examples:
      trivet ledger export --tiles public/log
      trivet ledger export --tiles public/log --json
    """
    with opened(home) as house:
        answer = proofs.export_tiles(house, folder)
        show(as_json, answer, [f"{answer['size']} entries, {answer['files']} files written in {folder}", answer["vkey"]])


@command.command("verify")
@click.option("--checkpoint", "kept", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A checkpoint kept outside.")
@click.option("--vkey", "vkeys", multiple=True, help="A further public key to believe (an earlier key of this log).")
@home_option
@json_option
def verify(kept: Path | None, vkeys: tuple[str, ...], home: Path, as_json: bool) -> None:
    """Read and hash every entry, hold tiles, index and checkpoints against them. Exit 6 when anything does not fit.

    \b
    Examples:
      trivet ledger verify --checkpoint kept.checkpoint
      trivet ledger verify --json
    """
    with opened(home) as house:
        answer = proofs.verify_ledger(house, kept.read_text(encoding="utf-8") if kept else "", vkeys)
        lines = [f"{answer['size']} entries, root {answer['root']}, {answer['checkpoints']} checkpoints, signed to {answer['signed_size']}"]
        if not answer["outside_checkpoint"]:
            lines.append("no checkpoint from outside: a complete rewrite by the holder of the signing key would not show")
        show(as_json, answer, [*lines, *(f"  {problem}" for problem in answer["problems"])])
        if answer["problems"]:
            fail(
                as_json,
                ChecksFailed("E653", f"the ledger does not hold: {len(answer['problems'])} findings", help="docs/reference/ledger.md"),
            )
