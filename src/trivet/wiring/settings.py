"""`trivet.toml` to one frozen `Settings`: in, a file; out, checked values; refused, every key that nobody defined.

A key that is misspelt is a setting that silently does nothing, so an unknown key is an error that names its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import Usage

__all__ = ["FILE", "KINDS", "Destination", "Settings", "Site", "Source", "add_source", "read_settings"]

FILE = "trivet.toml"
SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SPAN = re.compile(r"(\d+)([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Site:
    """Whose home this is. `id` is the word that grants are bound to, `zone` its wall clock, `role` who asks when nobody says."""

    id: str = "site"
    name: str = "Unnamed site"
    zone: str = "UTC"
    role: str = "clinician"


@dataclass(frozen=True, slots=True)
class Source:
    """One feed. `expected_every` in seconds (0: nothing is expected), `door` a URL such as `mllp://127.0.0.1:2575` or empty, `every` the
    seconds between two polls of a door that is asked, `wire` the door's own settings, which its kind checks (`wiring.sources`)."""

    format: str = "auto"
    zone: str = ""
    system: str = ""
    table: str = ""
    owner: str = "unknown"
    documented: bool = False
    expected_every: int = 0
    door: str = ""
    vendor: str = ""
    every: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    wire: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Destination:
    """Somewhere that messages go. `kind` names a sink, `uses` what may go there (`*`: all), `secret` a file below the home, `timeout`
    seconds for one attempt, `retry_first` and `retry_most` the pauses after failures. The sink checks `options`."""

    kind: str
    url: str
    uses: list[str]
    withheld: bool = False
    secret: str = ""
    owner: str = "unknown"
    timeout: int = 30
    retry_first: int = 1
    retry_most: int = 300
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the file says. `synthetic` and `today` belong together: only a home without patients may stop its clock."""

    site: Site = Site()
    synthetic: bool = False
    today: str = ""
    access_role: str = "operator"
    access_purpose: str = "HOPERAT"
    origin: str = "localhost/trivet"
    checkpoint_every: int = 60
    http: str = "127.0.0.1:8470"
    tls_certificate: str = ""
    tls_key: str = ""
    workers: int = 0
    raw_days: int = 0
    hold: list[str] = field(default_factory=list)
    plugins: dict[str, list[str]] = field(default_factory=dict)
    terminology_server: str = ""
    terminology_timeout: int = 10
    sources: dict[str, Source] = field(default_factory=dict)
    destinations: dict[str, Destination] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The same as plain data in the tables of the file, for rooms that must not know this module."""
        flat = asdict(self)
        tables = {"home": HOME, "ledger": LEDGER, "doors": DOORS, "receive": RECEIVE, "retention": RETENTION}
        nested = {table: {key: flat[key] for key in keys} for table, keys in tables.items()}
        nested["access"] = {"role": self.access_role, "purpose": self.access_purpose}
        nested["terminology"] = {"server": self.terminology_server, "timeout": self.terminology_timeout}
        return nested | {name: flat[name] for name in ("site", "plugins", "sources", "destinations")}


class Reader:
    """Reads one file strictly; every complaint names the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        try:
            self.data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise Usage("E110", f"{FILE} is not TOML", where=str(path), why=str(error)) from None

    def line(self, table: str, key: str) -> int:
        """The line of a key (or of the table itself); 0 when it cannot be told."""
        inside, found = "", 0
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
            if header:
                inside = re.sub(r"\s*\.\s*", ".", header[1].replace('"', ""))
                wanted = f"{table}.{key}" if table else key
                if inside == wanted or inside.startswith(f"{wanted}."):
                    return number
                found = found or (number if inside == table else 0)
            elif inside == table and re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', line):
                return number
        return found

    def wrong(self, table: str, key: str, what: str, why: str = "") -> Usage:
        """The error for one key."""
        line = self.line(table, key)
        where = f"{self.path}:{line}" if line else str(self.path)
        return Usage("E111", f"{what}: {table + '.' if table else ''}{key}", where=where, why=why, help="trivet doctor")

    def take(self, table: str, allowed: Mapping[str, Callable[[Any], Any]], data: Any) -> dict[str, Any]:
        """The checked values of one table. Usage for a key that nobody defined or a value that does not fit."""
        if not isinstance(data, dict):
            raise self.wrong("", table, "must be a table")
        values = {}
        for key, value in data.items():
            if key not in allowed:
                raise self.wrong(table, key, "unknown setting", "known here: " + ", ".join(sorted(allowed)))
            try:
                values[key] = allowed[key](value)
            except (TypeError, ValueError) as error:
                raise self.wrong(table, key, "wrong value", str(error)) from None
        return values


def text(value: Any) -> str:
    """Text and nothing else."""
    if not isinstance(value, str):
        raise TypeError("must be text in quotes")
    return value


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise TypeError("must be true or false")
    return value


def whole(value: Any) -> int:
    """A whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("must be a whole number, 0 or more")
    return value


def zone(value: Any) -> str:
    """An IANA zone name."""
    try:
        return str(ZoneInfo(text(value)))
    except (KeyError, ValueError):
        raise ValueError("not an IANA time zone") from None


def span(value: Any) -> int:
    """Seconds of `90s`, `15m`, `1h`, `7d`, `2w`."""
    found = SPAN.fullmatch(text(value))
    if not found:
        raise ValueError("must be a whole number and s, m, h, d or w, such as 15m")
    return int(found[1]) * SECONDS[found[2]]


def moment(value: Any) -> str:
    """Instant text of an RFC 3339 text."""
    return instant(parse_instant(text(value)))


def names(value: Any) -> list[str]:
    """A list of names."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("must be a list of names")
    return list(value)


def options(value: Any) -> dict[str, Any]:
    """A format's own settings; the format itself checks them."""
    if not isinstance(value, dict):
        raise TypeError("must be a table")
    return dict(value)


Check = Callable[[Any], Any]
SITE: dict[str, Check] = {"id": text, "name": text, "zone": zone, "role": text}
HOME: dict[str, Check] = {"synthetic": flag, "today": moment}
LEDGER: dict[str, Check] = {"origin": text, "checkpoint_every": span}
DOORS: dict[str, Check] = {"http": text, "tls_certificate": text, "tls_key": text}
RECEIVE: dict[str, Check] = {"workers": whole}
ACCESS: dict[str, Check] = {"role": text, "purpose": text}
RETENTION: dict[str, Check] = {"raw_days": whole, "hold": names}
TERMINOLOGY: dict[str, Check] = {"server": text, "timeout": span}
SOURCE: dict[str, Check] = {
    "format": text,
    "zone": zone,
    "system": text,
    "table": text,
    "owner": text,
    "documented": flag,
    "expected_every": span,
    "door": text,
    "vendor": text,
    "every": span,
    "options": options,
    "wire": options,
}
DESTINATION: dict[str, Check] = {
    **dict.fromkeys(("kind", "url", "secret", "owner"), text),
    **dict.fromkeys(("timeout", "retry_first", "retry_most"), span),
    "uses": names,
    "withheld": flag,
    "options": options,
}


def table_of_texts(value: Any) -> dict[str, str]:
    """Texts by name."""
    return {key: text(item) for key, item in options(value).items()}


# What the kinds of a wire's settings (`contracts.source.Setting`) take.
KINDS: dict[str, Check] = {"text": text, "flag": flag, "whole": whole, "span": span, "names": names, "table": table_of_texts}
GROUPS = ("formats", "runtimes", "engines", "sinks", "checks", "policies", "sources", "ledgers", "terminologies")
PLUGINS: dict[str, Check] = dict.fromkeys(GROUPS, names)
TABLES = {
    "site": SITE,
    "home": HOME,
    "ledger": LEDGER,
    "doors": DOORS,
    "receive": RECEIVE,
    "retention": RETENTION,
    "access": ACCESS,
    "plugins": PLUGINS,
    "terminology": TERMINOLOGY,
}


def read_settings(home: Path) -> Settings:
    """The settings of a home. Usage (exit 2) names the line of whatever does not fit."""
    reader = Reader(home / FILE)
    for key in reader.data:
        if key not in TABLES and key not in ("sources", "destinations"):
            raise reader.wrong("", key, "unknown table", "known: " + ", ".join([*TABLES, "sources", "destinations"]))
    read = {table: reader.take(table, allowed, reader.data.get(table, {})) for table, allowed in TABLES.items()}
    if "today" in read["home"] and not read["home"].get("synthetic"):
        raise reader.wrong("home", "today", "only a synthetic home may stop its clock")
    site = Site(**read["site"])
    sources = {}
    for name, entry in reader.take("sources", _Any(lambda value: value), reader.data.get("sources", {})).items():
        if not SOURCE_NAME.fullmatch(name):
            raise reader.wrong("sources", name, "not a source name", "letters, digits, dot, dash and underscore, at most 63")
        values = reader.take(f"sources.{name}", SOURCE, entry)
        values.setdefault("zone", site.zone)
        sources[name] = Source(**values)
    access = {f"{table}_{key}": value for table in ("access", "terminology") for key, value in read[table].items()}
    flat = {**read["home"], **read["ledger"], **read["doors"], **read["receive"], **read["retention"], **access}
    return Settings(site=site, plugins=read["plugins"], sources=sources, destinations=read_destinations(reader), **flat)


def read_destinations(reader: Reader) -> dict[str, Destination]:
    """Where messages go. A destination says at least what it is, where it stands and which uses it may hear of."""
    found = {}
    for name, entry in reader.take("destinations", _Any(lambda value: value), reader.data.get("destinations", {})).items():
        if not SOURCE_NAME.fullmatch(name):
            raise reader.wrong("destinations", name, "not a destination name", "letters, digits, dot, dash and underscore, at most 63")
        values = reader.take(f"destinations.{name}", DESTINATION, entry)
        for key in ("kind", "url", "uses"):
            if not values.get(key):
                raise reader.wrong(f"destinations.{name}", key, "missing")
        found[name] = Destination(**values)
    return found


class _Any(dict[str, Callable[[Any], Any]]):
    """Allows every key: used where the keys are names."""

    def __init__(self, check: Callable[[Any], Any]) -> None:
        super().__init__()
        self.check = check

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Callable[[Any], Any]:
        return self.check


def add_source(home: Path, name: str, source: Source) -> None:
    """Write one more source at the end of the file; what stands there already, comments included, stays as it is."""
    if not SOURCE_NAME.fullmatch(name):
        raise Usage("E112", "not a source name", why="letters, digits, dot, dash and underscore, at most 63", help="--source lab")
    lines = [f'\n[sources."{name}"]'] if "." in name else [f"\n[sources.{name}]"]
    for entry in fields(source):
        value = getattr(source, entry.name)
        if entry.name in ("owner", "documented", "format") or (value and entry.name not in ("options", "wire")):
            lines.append(f"{entry.name} = {_toml(f'{value}s' if entry.name in ('expected_every', 'every') else value)}")
    for word, given in (("options", source.options), ("wire", source.wire)):
        if given:
            lines.append(f"{word} = " + _toml(given))
    path = home / FILE
    fresh = path.with_suffix(".toml.new")
    fresh.write_text(path.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")
    fresh.replace(path)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
