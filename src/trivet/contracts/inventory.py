"""What an interface engine's export tells of its interfaces: structure, sizes, findings. A secret is a place and a kind, never itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from trivet.kernel.errors import Rejected

__all__ = ["Connector", "Finding", "Interface", "Inventory", "Script", "Step"]


class Connector(NamedTuple):
    """One end of an interface. `role`: `source` or `destination`. `endpoint` has no user, password or query in it. `secure` is "yes", "no",
    or "" where it is not a matter of the wire (a file, another channel). `queue`: "on", "off" or "" for a source."""

    role: str
    name: str
    transport: str
    enabled: bool
    endpoint: str
    secure: str
    queue: str
    inbound: str
    outbound: str
    place: str


class Step(NamedTuple):
    """One rule of a filter or step of a transformer. `of` names its connector, `role`: `filter`, `transformer` or `response`."""

    of: str
    role: str
    name: str
    type: str
    enabled: bool
    place: str


class Script(NamedTuple):
    """A piece of code: `lines` that are neither blank nor comment, `comments` lines of comment, `dead` of them that look like code."""

    of: str
    role: str
    name: str
    lines: int
    comments: int
    dead: int
    place: str


class Finding(NamedTuple):
    """Something to put right: its kind (`maps/register/findings.csv`), what it is about, its place and line in the export."""

    kind: str
    about: str
    detail: str
    place: str
    line: int


@dataclass(frozen=True, slots=True)
class Interface:
    """`kind`: `channel`, `code template`, `code template library`, `global scripts`, `channel group` or `server`. `needs` are ids of
    channels that this one sends to."""

    id: str
    name: str
    kind: str
    engine: str
    version: str
    enabled: bool
    described: bool
    modified: str
    connectors: tuple[Connector, ...]
    steps: tuple[Step, ...]
    scripts: tuple[Script, ...]
    findings: tuple[Finding, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """One export. With a reject it is quarantined: what was read before the place that cannot be read stands, and is marked so."""

    interfaces: tuple[Interface, ...]
    rejects: tuple[Rejected, ...]
