"""The command line: parse, one flow, render. Commands load only when they are called, so `--help` stays quick.

Each command lives in its own module of this package under the name in `COMMANDS`; the module offers a click command
called `command`. Data goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import click

from trivet import __version__
from trivet.kernel.errors import Problem, exit_code

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: dict[str, str] = {
    # name: one-line help; the module is trivet.cli.<name with _ for ->
    "demo": "A synthetic hospital, end to end, with a console to look at.",
    "init": "Make a new home.",
    "up": "Run the doors (MLLP, HTTP) and the console.",
    "receive": "Take files into the home.",
    "poll": "Ask servers, databases and folders for what is new.",
    "client-key": "The keys by which FHIR servers know this house.",
    "translate": "Files to records, lineage and coverage; needs no home.",
    "validate": "Judge FHIR R4 files; needs no home.",
    "register": "What each interface really carries; engine exports; a folder of extracts.",
    "reconcile": "Landed = mapped + quarantined + ignored + in flight, per source.",
    "remap": "Read settled units again with today's maps: a plan first.",
    "retain": "Remove raw bytes whose time is over: a plan first.",
    "check": "Run the quality checks.",
    "repair": "What checks propose to put right; a person decides.",
    "piqi": "HL7's PIQI rubric over records, scored by source.",
    "omop": "OMOP CDM 5.4 out of a home, or out of FHIR files.",
    "meds": "Events for training out of a home (Medical Event Data Standard).",
    "dqd": "OHDSI's data quality checks over any OMOP database.",
    "terminology": "Code systems: load, look up, validate, map local codes.",
    "link": "Link persons: the home's, or any table of persons.",
    "query": "Read-only SQL over the published views.",
    "decide": "One governed answer about one person.",
    "explain": "One decision, from the answer down to its bytes.",
    "replay": "Run one decision again and compare bits.",
    "dossier": "Everything about one decision in one verifiable archive.",
    "verify": "Verify a dossier offline.",
    "outbox": "What goes out: list, show, send, resend.",
    "erase": "Erase a person for ever; what is proven stays proven.",
    "hold": "Forbid erasure of a person or of anybody; end it, list it.",
    "shelf": "The record versions as an Iceberg table: publish, compact, expire, hold, prove.",
    "suspend": "Stop a model at once.",
    "promote": "Make a model version the live one of its use.",
    "approve": "Cast a vote.",
    "seat": "Who holds which duty; seat somebody, or vacate a seat.",
    "ledger": "Checkpoint, prove, export and verify the ledger.",
    "fsck": "Check store, vault and ledger against each other.",
    "rebuild": "Make every projection again from vault and ledger.",
    "doctor": "Is this installation sound, and what to do if not.",
    "readiness": "What is ready, computed.",
    "debt": "What is owed, computed.",
    "value": "What it returns, computed.",
    "conform": "Run an external conformance suite.",
    "deidentify": "FHIR files without their persons, by a table that denies by default.",
    "view": "Compile and run a SQL on FHIR view.",
}


class Lazy(click.Group):
    """Knows every command's name and help, imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"trivet.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trivet")
def cli() -> None:
    """Trivet: trusted data, flexible architecture, strong governance, under any AI model.

    Exit codes: 0 ok, 1 fault, 2 usage, 3 refused by governance, 4 data rejected, 5 not found, 6 checks failed, 7 locked.
    """


def render(problem: Problem, as_json: bool) -> None:
    """Four lines on standard error; with --json, one object on standard output."""
    if as_json:
        sys.stdout.write(json.dumps({"error": problem.as_dict()}, ensure_ascii=False) + "\n")
        return
    lines = [f"error {problem.code}: {problem.what}"]
    lines += [f"  where: {problem.where}"] if problem.where else []
    lines += [f"  why: {problem.why}"] if problem.why else []
    lines += [f"  help: {problem.help}"] if problem.help else []
    sys.stderr.write("\n".join(lines) + "\n")


def main(argv: list[str] | None = None) -> Any:
    """Entry point. Problems become four lines and an exit code; anything else is a fault of ours and says so."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        told = cli.main(args=arguments, standalone_mode=False, prog_name="trivet")  # click gives the code of an Exit back
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Problem as problem:
        render(problem, "--json" in arguments)
        sys.exit(exit_code(problem))
    sys.exit(told if isinstance(told, int) else 0)


if __name__ == "__main__":
    main()
