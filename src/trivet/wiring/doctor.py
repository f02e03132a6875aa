"""`trivet doctor`: is this installation sound, and what to do if not.

In: a folder. Out: one line for each check: found, why it matters, what to do. A check that cannot run says so and counts as
failed. Nothing here shows a patient's value.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from trivet.contracts.house import House
from trivet.kernel.clock import parse_instant
from trivet.kernel.errors import Problem
from trivet.wiring.build import open_home
from trivet.wiring.settings import FILE

__all__ = ["Finding", "examine"]

ROOM = 1 << 30  # bytes that should be free
LIBRARIES = ("cryptography", "duckdb", "msgspec", "numpy", "onnxruntime", "pyarrow", "rapidfuzz", "starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `state` is `ok`, `note` (look at it) or `wrong`; the rest says what was found, why it matters, what to do."""

    check: str
    state: str
    found: str
    why: str = ""
    remedy: str = ""


def examine(home: Path) -> list[dict[str, str]]:
    """Every check, those of the machine first; those of the home only when there is one that opens."""
    findings = [*machine(home)]
    if not (home / FILE).is_file():
        findings.append(Finding("home", "note", f"no home in {home}", "nothing was set up here yet", f"trivet init {home}"))
        return [asdict(finding) for finding in findings]
    try:
        house = open_home(home)
    except Problem as problem:
        findings.append(Finding("home", "wrong", f"{problem.code} {problem.what} {problem.where}", problem.why, problem.help))
        return [asdict(finding) for finding in findings]
    try:
        for name, check in CHECKS.items():
            try:
                findings += check(house)
            except Problem as problem:
                findings.append(Finding(name, "wrong", f"{problem.code} {problem.what}", problem.why, problem.help))
    finally:
        house.close()
    return [asdict(finding) for finding in findings]


def machine(home: Path) -> Iterator[Finding]:
    """Python, libraries, disk."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        "python", "ok" if good else "wrong", version, "tested on 3.11 to 3.13", "" if good else "install Python 3.11, 3.12 or 3.13"
    )
    good = sqlite3.sqlite_version_info >= (3, 37)
    yield Finding(
        "sqlite", "ok" if good else "wrong", sqlite3.sqlite_version, "strict tables need 3.37", "" if good else "use a newer Python"
    )
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    remedy = "" if not missing else "pip install -r requirements.lock"
    yield Finding(
        "libraries", "wrong" if missing else "ok", ", ".join(missing) + " missing" if missing else f"{len(LIBRARIES)} found", "", remedy
    )
    place = home if home.exists() else home.absolute().parent
    free = shutil.disk_usage(place).free if place.exists() else 0
    state = "ok" if free >= ROOM else "wrong"
    yield Finding(
        "disk", state, f"{free >> 20} MiB free", "a full disk refuses what comes in", "" if state == "ok" else "make room, or move the home"
    )


def keys(house: House) -> Iterator[Finding]:
    """The keys are there, ours alone, and fit."""
    folder = Path(house.home) / "keys"
    loose = [path.name for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_mode & 0o077]
    if loose:
        yield Finding("keys", "wrong", ", ".join(loose), "others on this machine may read them", f"chmod 600 {folder}/*")
    elif os.name == "posix" and folder.stat().st_mode & 0o077:
        yield Finding("keys", "wrong", str(folder), "others on this machine may look into it", f"chmod 700 {folder}")
    else:
        yield Finding("keys", "ok", "readable by their owner only")
    house.vault.address(b"")
    yield Finding("master-key", "ok", "opens the key store")


def ledger(house: House) -> Iterator[Finding]:
    """The ledger can be written, and somebody signs it."""
    good = house.ledger.writable()
    why = "without it no answer leaves the house"
    yield Finding("ledger", "ok" if good else "wrong", f"{house.ledger.size()} entries", why, "" if good else "trivet fsck")
    last = house.role("checkpoints").last()
    if last is None:
        yield Finding("checkpoint", "note", "none yet", "a rewrite of the log shows only against a signed head", "trivet ledger checkpoint")
        return
    behind = house.ledger.size() - last.size
    state = "ok" if behind < 10_000 else "note"
    yield Finding(
        "checkpoint", state, f"{last.size} entries signed, {behind} since", "", "" if state == "ok" else "trivet ledger checkpoint"
    )


def feeds(house: House) -> Iterator[Finding]:
    """Every feed has an owner and a document, nothing waits, none is silent."""
    sources = house.settings["sources"]
    for word, bad in (
        ("owner", [name for name, entry in sources.items() if entry["owner"] == "unknown"]),
        ("document", [name for name, entry in sources.items() if not entry["documented"]]),
    ):
        yield Finding(
            f"sources-{word}",
            "note" if bad else "ok",
            f"{len(bad)} of {len(sources)} without {word}: {', '.join(bad)}" if bad else f"all {len(sources)}",
            "nobody to ask when it breaks",
            "edit trivet.toml" if bad else "",
        )
    balance = house.landing.balance()
    waiting = sum(counts["in_flight"] for counts in balance.values())
    held = sum(counts["quarantined"] for counts in balance.values())
    yield Finding(
        "in-flight",
        "note" if waiting else "ok",
        f"{waiting} receipts",
        "landed and not yet settled",
        "trivet up, or trivet receive" if waiting else "",
    )
    yield Finding(
        "quarantine",
        "note" if held else "ok",
        f"{held} receipts",
        "kept, and nobody can use them yet",
        "trivet query 'select * from rejects'" if held else "",
    )
    now = parse_instant(house.clock.now())
    for name, entry in sources.items():
        if entry["expected_every"] and name in balance:
            last = parse_instant(balance[name]["last_at"])
            late = now - last > timedelta(seconds=entry["expected_every"])
            found = f"{name}: last heard {int((now - last).total_seconds() // 60)} minutes ago"
            yield Finding(
                "silence",
                "wrong" if late else "ok",
                found,
                "decisions rest on feeds that still speak",
                f"ask {entry['owner']}" if late else "",
            )


def formats(house: House) -> Iterator[Finding]:
    """Every format that a source names can be loaded."""
    asked = {entry["format"] for entry in house.settings["sources"].values()} - {"auto"}
    missing = sorted(asked - set(house.formats))
    yield Finding(
        "formats",
        "wrong" if missing else "ok",
        ", ".join(missing) + " missing" if missing else ", ".join(house.formats),
        "",
        "edit trivet.toml" if missing else "",
    )


def wires(house: House) -> Iterator[Finding]:
    """The other side of every door that is asked answers and lets us in; how its last poll ended."""
    from trivet.wiring import sources

    for name in sources.wired(house):
        try:
            yield Finding(f"door-{name}", "ok", sources.make(house, name, sleep=lambda _: None).probe())
        except Problem as problem:
            yield Finding(f"door-{name}", "wrong", f"{problem.code} {problem.what}", problem.why, problem.help)
        last = house.role("wires").state(name)
        if last["failures"]:
            found = f"{last['failures']} polls failed in a row, the last one with {last['code']} {last['what']}"
            yield Finding(
                f"poll-{name}", "wrong", found, f"nothing came since {last['heard_at'] or 'the beginning'}", f"trivet poll {name}"
            )


CHECKS: dict[str, Callable[[House], Iterator[Finding]]] = {
    "keys": keys,
    "ledger": ledger,
    "sources": feeds,
    "formats": formats,
    "doors": wires,
}
