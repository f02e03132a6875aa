"""A folder of extracts, documented before anything is installed: no home, no map, no setting.

In: a folder. Out: for each feed that is found in it (a format; for tables, one heading) the same document that a home's register gives, and
what exports of interface engines in it describe. Memory holds one file, or a window of it, and the sums. A file that nobody recognises is
told by its number and size. Nothing is kept and nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.traffic import Traffic
from trivet.data.interfaces.document import feed_document
from trivet.data.interfaces.markdown import format_markdown, table
from trivet.data.interfaces.observe import observe
from trivet.data.interfaces.sums import Sums
from trivet.integration.exports.mirth import read as read_export
from trivet.kernel.errors import Fault, NotFound
from trivet.wiring import formats as registry
from trivet.wiring.exporting import plain
from trivet.wiring.translate import content

__all__ = ["scan", "scan_markdown"]

PORTION = 500
LARGEST_EXPORT = 512 << 20


@dataclass(slots=True)
class Feed:
    """What was found of one feed."""

    format: str
    name: str
    sums: Sums = field(default_factory=Sums)
    files: int = 0
    bytes: int = 0
    units: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    """The scan of one folder."""

    formats: dict[str, Format]
    only: str
    feeds: dict[tuple[str, str], Feed] = field(default_factory=dict)
    exports: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[dict[str, Any]] = field(default_factory=list)

    def file(self, number: int, path: Path, name: str) -> None:
        """One file, whatever it is."""
        chosen: list[Format] = []

        def recognise(head: bytes) -> bool:
            found = self.formats.get(self.only) if self.only else registry.detect(self.formats, head, path.name)
            chosen.extend([found] if found else [])
            return bool(found) and getattr(found, "reads_buffers", False)

        try:
            with content(path, recognise) as raw:
                if not chosen:
                    recognise(raw[: registry.HEAD])
                if path.suffix.lower() == ".xml" and len(raw) <= LARGEST_EXPORT and self.export(number, bytes(raw)):
                    return
                if not len(raw) or not chosen:
                    self.unknown.append(
                        {"file": number, "bytes": len(raw), "reason": "empty" if not len(raw) else "no format recognises it"}
                    )
                    return
                self.feed(chosen[0], raw, path, name)
        except OSError as error:
            self.unknown.append({"file": number, "bytes": 0, "reason": error.strerror or type(error).__name__})

    def export(self, number: int, raw: bytes) -> bool:
        """Is it an export of an interface engine?"""
        found = read_export(raw)
        if not found.interfaces:
            return False
        broken = found.rejects[0] if found.rejects else None
        self.exports.append(
            {
                "file": number,
                "quarantined": bool(broken),
                "reason": broken.reason if broken else "",
                "place": broken.locator if broken else "",
                "interfaces": [plain(one) for one in found.interfaces],
            }
        )
        return True

    def feed(self, form: Format, raw: Any, path: Path, name: str) -> None:
        """The units of one file, summed up portion by portion."""
        heading = bytes(raw[: registry.HEAD]).partition(b"\n")[0].strip().decode("utf-8", "replace") if form.name == "csv" else ""
        feed = self.feeds.get((form.name, heading))
        if feed is None:
            count = sum(known == form.name for known, _ in self.feeds) + 1
            feed = self.feeds[form.name, heading] = Feed(form.name, f"{form.name} {count}")
        feed.files += 1
        feed.bytes += len(raw)
        feed.names.append(name)
        day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
        held: list[Traffic] = []
        for seen in self.traffic(form, raw, feed):
            feed.units += 1
            feed.days[day] += 1
            held.append(seen)
            if len(held) >= PORTION:
                feed.sums.take(held)
                held.clear()
        feed.sums.take(held)

    def traffic(self, form: Format, raw: Any, feed: Feed) -> Iterator[Traffic]:
        """What each unit shows; one that breaks its format is counted and passed over."""
        profile = SourceProfile("scan", format=form.name)
        for unit in form.split(raw):
            try:
                told = form.translate(unit.raw, profile)
            except Fault:
                raise
            except Exception:  # as at every door: one bad unit never stops the others
                told = Translation((), ())
                feed.rejects["E241"] += 1
            for reject in told.rejects:
                feed.rejects[reject.code] += 1
            people = [record for record in told.records if record.resource["resourceType"] == "Patient"]
            yield observe(unit.raw, told, form.name, people)


def scan(folder: Path, only: str = "", *, names: bool = False) -> dict[str, Any]:
    """What lies in a folder. With `names`, files are told by name; a file's name may name a person, so that is asked for."""
    if not folder.exists():
        raise NotFound("E816", "no such file or folder", help="trivet register scan FOLDER")
    formats = registry.load()
    if only:
        registry.get(formats, only)
    found = Scan(formats, only)
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else [folder]
    for number, path in enumerate(paths, 1):
        found.file(number, path, path.relative_to(folder).as_posix() if path != folder else path.name)
    return {
        "files": len(paths),
        "feeds": [plain_feed(feed, names) for feed in found.feeds.values()],
        "exports": found.exports,
        "unknown": found.unknown,
    }


def plain_feed(feed: Feed, names: bool) -> dict[str, Any]:
    """One feed as plain data."""
    return {
        "feed": feed.name,
        "format": feed.format,
        "files": feed.files,
        "names": feed.names if names else [],
        "bytes": feed.bytes,
        "units": feed.units,
        "days": dict(sorted(feed.days.items())),
        "rejects": dict(sorted(feed.rejects.items())),
        "register": feed_document(feed.format, feed.sums),
    }


def scan_markdown(found: dict[str, Any]) -> Iterator[str]:
    """The same as Markdown."""
    yield "# What lies in this folder"
    yield ""
    yield f"{found['files']:,} files, {len(found['feeds'])} feeds, {len(found['exports'])} exports of an interface engine, "
    yield f"{len(found['unknown'])} files that nobody recognises. Days are those of the files (UTC)."
    yield ""
    for feed in found["feeds"]:
        yield f"## {feed['feed']}"
        yield ""
        rejects = ", ".join(f"{code} {times:,}" for code, times in feed["rejects"].items()) or "none"
        span = f"{min(feed['days'], default='')} to {max(feed['days'], default='')}" if feed["days"] else "none"
        rows = [
            ("Files", f"{feed['files']:,}, {feed['bytes']:,} bytes"),
            ("Units", f"{feed['units']:,}"),
            ("Days", span),
            ("Rejects", rejects),
        ]
        yield from table(("", ""), [*rows, *([("Names", ", ".join(feed["names"][:50]))] if feed["names"] else [])])
        yield from format_markdown(feed["register"], 3)
    for export in found["exports"]:
        yield f"## Export of an interface engine (file {export['file']})"
        yield ""
        if export["quarantined"]:
            yield f"It breaks off: {export['reason']} ({export['place']}); what stands before that place is told here."
            yield ""
        for one in export["interfaces"]:
            lines = sum(script["lines"] for script in one["scripts"])
            sizes = (
                f"{len(one['connectors'])} connectors, {len(one['steps'])} rules and steps, {len(one['scripts'])} scripts, {lines} lines"
            )
            yield f"- **{one['name']}** ({one['kind']}, {one['version']}): {sizes}, {len(one['findings'])} findings"
        yield ""
        findings = [finding for one in export["interfaces"] for finding in one["findings"]]
        told = [(finding["kind"], finding["about"], finding["detail"], finding["line"]) for finding in findings]
        yield from table(("finding", "about", "what", "line"), told)
    yield from table(("file", "bytes", "not recognised"), [(one["file"], one["bytes"], one["reason"]) for one in found["unknown"]])
