"""`trivet client-key`: the keys by which servers know this house (SMART Backend Services)."""

from __future__ import annotations

from pathlib import Path

import click

from trivet.cli.options import home_option, json_option, opened, show

__all__ = ["command"]


@click.group("client-key")
def command() -> None:
    """Keys by which FHIR servers know this house, and their public halves (JWKS).

    To change a key: `new`, publish `jwks`, wait until every server has read it, `use`, and later `retire` the old one.

    \b
    Examples:
      trivet client-key new --algorithm ES384
      trivet client-key jwks > jwks.json
    """


folder_option = click.option("--keys", default="keys/client", show_default=True, help="Folder under the home, as `keys` of the source.")


@command.command("new")
@click.option("--algorithm", type=click.Choice(["ES384", "RS384"]), default="ES384", show_default=True, help="What the server takes.")
@folder_option
@home_option
@json_option
def new(algorithm: str, keys: str, home: Path, as_json: bool) -> None:
    """Make a key. The first one signs at once; a later one when it is put to use.

    \b
    Examples:
      trivet client-key new
      trivet client-key new --algorithm RS384
    """
    from trivet.wiring.sources import client_keys

    with opened(home) as house:
        held = client_keys(house, keys)
        kid = held.make(algorithm)
        show(
            as_json, {"kid": kid, "active": held.active()}, [kid + (" (signs now)" if held.active() == kid else " (trivet client-key use)")]
        )


@command.command("list")
@folder_option
@home_option
@json_option
def listing(keys: str, home: Path, as_json: bool) -> None:
    """Every key there is.

    \b
    Examples:
      trivet client-key list
      trivet client-key list --json
    """
    from trivet.wiring.sources import client_keys

    with opened(home) as house:
        held = client_keys(house, keys)
        kids = held.kids()
        active = held.active() if kids else ""
        show(as_json, {"kids": kids, "active": active}, [f"{kid}{'  signs' if kid == active else ''}" for kid in kids])


@command.command("use")
@click.argument("kid")
@folder_option
@home_option
@json_option
def use(kid: str, keys: str, home: Path, as_json: bool) -> None:
    """Let KID sign from now on.

    \b
    Examples:
      trivet client-key use KID
      trivet client-key use KID --json
    """
    from trivet.wiring.sources import client_keys

    with opened(home) as house:
        client_keys(house, keys).use(kid)
        show(as_json, {"active": kid}, [f"{kid} signs"])


@command.command("retire")
@click.argument("kid")
@folder_option
@home_option
@json_option
def retire(kid: str, keys: str, home: Path, as_json: bool) -> None:
    """Take KID away. The key that signs cannot be retired.

    \b
    Examples:
      trivet client-key retire KID
      trivet client-key retire KID --json
    """
    from trivet.wiring.sources import client_keys

    with opened(home) as house:
        client_keys(house, keys).retire(kid)
        show(as_json, {"retired": kid}, [f"{kid} is gone"])


@command.command("jwks")
@folder_option
@home_option
@json_option
def jwks(keys: str, home: Path, as_json: bool) -> None:
    """The public halves (RFC 7517), for the server's registration.

    \b
    Examples:
      trivet client-key jwks > jwks.json
      trivet client-key jwks --json
    """
    from trivet.wiring.sources import client_keys, jwks_text

    with opened(home) as house:
        held = client_keys(house, keys)
        show(as_json, held.jwks(), [jwks_text(held).rstrip()])
