"""`trivet up`: doors and console."""

from __future__ import annotations

import importlib
import secrets
from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, progress, show
from trivet.wiring.doors import serve

__all__ = ["command", "serve_home"]


@click.command("up")
@click.option(
    "--http", default="", metavar="HOST:PORT", help="Where the console and the HTTP door stand. [default: trivet.toml, [doors] http]"
)
@click.option("--no-console", is_flag=True, help="Doors only.")
@home_option
@json_option
def command(http: str, no_console: bool, home: Path, as_json: bool) -> None:
    """Run until SIGTERM or Ctrl-C: MLLP doors of trivet.toml, POST /receive/SOURCE, and the console.

    Nothing is acknowledged before it is durable; at the end what was acknowledged is settled.

    \b
    Examples:
      trivet up
      trivet up --home /srv/trivet --http 127.0.0.1:8470 --no-console
    """
    serve_home(home, http, console=not no_console, as_json=as_json)


def serve_home(home: Path, http: str = "", *, console: bool = True, as_json: bool = False) -> None:
    """Print the console's address, then serve until the end."""
    with opened(home) as house:
        pages, token = None, secrets.token_urlsafe(16)
        if console:
            pages = importlib.import_module("trivet.console.app").build_app(house, token)
        address = http or house.settings["doors"]["http"]
        show(as_json, {"http": address, "token": token if console else ""}, [f"Open http://{address}/?t={token}"] if console else [])
        serve(house, pages, progress, http)
        progress("closed")
