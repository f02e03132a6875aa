"""A destination's own options and its secrets, read strictly.

In: a table of `trivet.toml`, a file. Out: checked values with their defaults, lines. Refused: keys that nobody defined, values of
another kind, a secret that others on this machine may read. No error repeats a secret.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trivet.contracts.outgoing import Seat
from trivet.kernel.errors import Fault, NotFound, Usage

__all__ = ["checked", "client_tls", "read_secrets"]


def checked(seat: Seat, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options over their defaults. Usage E852 for an unknown key or a value that is of another kind than its default."""
    for key, value in seat.options.items():
        where = f"destinations.{seat.destination}.options.{key}"
        if key not in defaults:
            raise Usage("E852", "unknown option", where=where, why="known here: " + ", ".join(sorted(defaults)), help="trivet doctor")
        if type(value) is not type(defaults[key]):
            raise Usage("E852", "an option of another kind", where=where, why=f"it is {type(defaults[key]).__name__}", help="trivet doctor")
    return {**defaults, **seat.options}


def read_secrets(path: Path) -> tuple[str, ...]:
    """The lines of a secret file that are not empty and not comments. NotFound E854, Fault E855 when others may read it, or it is empty."""
    try:
        if path.stat().st_mode & 0o077:
            raise Fault("E855", "others may read a secret", where=str(path), help=f"chmod 600 {path}")
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise NotFound("E854", "a secret cannot be read", where=str(path), why=error.strerror or "") from None
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise Fault("E855", "a secret file is empty", where=str(path), help="one secret a line; the first is the newest")
    return found


def client_tls(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Whom we trust (`tls_authority`, else the machine's list) and who we say we are (`tls_certificate`, `tls_key`)."""
    try:
        context = ssl.create_default_context(cafile=options["tls_authority"] or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if options["tls_certificate"]:
            context.load_cert_chain(options["tls_certificate"], options["tls_key"] or None)
    except OSError as error:
        raise Usage("E852", "a TLS file cannot be read", why=error.strerror or type(error).__name__, help="trivet doctor") from None
    return context
