#!/usr/bin/env python3
"""Writes docs/reference/commands.md and docs/reference/errors.md out of the source itself. Run it after changing a command or an error.

scripts/reference.py            write both
scripts/reference.py --check    exit 1 when one is behind
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from trivet.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "trivet"
COMMANDS_HEAD = """# Commands

Every command takes `--json`: one JSON object on standard output; progress and errors for people go to standard error.
[exit-codes.md](exit-codes.md) says what a command ends with. This page is made by `scripts/reference.py` out of the commands' own help.

"""
ERRORS_HEAD = """# Errors

An error says four things: what, where, why, and what helps. Its code has one meaning and is never reused; none holds a patient's value.
`...` stands for a name, a number or a place. *Rejected* is the data's fault and is kept and counted; the others end the command with
their [exit code](exit-codes.md). This page is made by `scripts/reference.py` out of the source.

| code | kind | what | said by |
|---|---|---|---|
"""


def walk(name: str, command: click.Command, parent: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """A command and the commands under it, each with its full name."""
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=parent)
    yield name, command, context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from walk(f"{name} {inner}", found, context)


def every() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command of the command line."""
    top = click.Context(cli, info_name="trivet", max_content_width=120, terminal_width=120)
    for name in COMMANDS:
        yield from walk(name, importlib.import_module(f"trivet.cli.{name.replace('-', '_')}").command, top)


def commands() -> str:
    """The page of commands."""
    out = [COMMANDS_HEAD]
    for name, command, context in every():
        context.max_content_width = context.terminal_width = 120
        out.append(f"{'##' if ' ' not in name else '###'} trivet {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n\n")
    return "".join(out).rstrip() + "\n"


def wording(node: ast.expr | None) -> str:
    """The words of a message, with `...` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
    if isinstance(node, ast.BinOp):
        return wording(node.left) + wording(node.right)
    return "..."


def is_code(value: object) -> bool:
    """E and three digits."""
    return isinstance(value, str) and len(value) == 4 and value[0] == "E" and value[1:].isdigit()


def choices(node: ast.expr) -> tuple[ast.expr, ...]:
    """Both sides of `x if y else z`."""
    return (node.body, node.orelse) if isinstance(node, ast.IfExp) else ()


def found() -> dict[str, tuple[set[str], set[str], set[str]]]:
    """Code -> kinds, wordings, modules, out of every call that names a code."""
    held: dict[str, tuple[set[str], set[str], set[str]]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            for place, argument in enumerate(node.args):
                codes = [one.value for one in (argument, *choices(argument)) if isinstance(one, ast.Constant) and is_code(one.value)]
                for code in codes:
                    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    words = wording(node.args[place + 1] if place + 1 < len(node.args) else None)
                    kinds, texts, modules = held.setdefault(str(code), (set(), set(), set()))
                    kinds.add(called)
                    modules.add(module)
                    if words.strip(". "):
                        texts.add(words)
    return held


def kind_of(called: set[str]) -> str:
    """The kind of error; what is made by a helper of a module is told by that module alone."""
    return ", ".join(sorted(name for name in called if name[:1].isupper())) or "see the module"


def error_codes() -> str:
    """The page of errors."""
    lines = []
    for code, (kinds, texts, modules) in sorted(found().items()):
        what = "; ".join(sorted(texts)).replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {code} | {kind_of(kinds)} | {what} | {', '.join(f'`{name}`' for name in sorted(modules))} |\n")
    return ERRORS_HEAD + "".join(lines)


PAGES = {"commands.md": commands, "errors.md": error_codes}

if __name__ == "__main__":
    behind = []
    for file, page in PAGES.items():
        target = ROOT / "docs/reference" / file
        if "--check" in sys.argv:
            behind += [file] if not target.is_file() or target.read_text(encoding="utf-8") != page() else []
        else:
            target.write_text(page(), encoding="utf-8")
    if behind:
        sys.stderr.write("behind: " + ", ".join(behind) + "\n")
    sys.exit(bool(behind))
