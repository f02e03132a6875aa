"""Files to records, lineage, coverage and rejects: walks, reads, and writes what the pure translation says.

In: paths. Out: four files in a folder and a summary. A file that cannot be read or recognised is a reject with its reason;
the rest is done. Memory holds one file (mapped where the format can read it so) and a few batches.
"""

from __future__ import annotations

import mmap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.integration.coverage import Account, Tally
from trivet.integration.translate import Rendered, batches
from trivet.kernel import jsontext
from trivet.kernel.errors import Rejected, Usage
from trivet.wiring import formats as registry
from trivet.wiring.lane import Lane

__all__ = ["Summary", "read_profile", "translate_paths"]

MAPPED_FROM = 32 << 20  # files this large are mapped instead of read, where the format allows it
KEYS = {"source": str, "format": str, "zone": str, "system": str, "table": str, "maps_digest": str, "options": dict}
FILES = ("records.ndjson", "lineage.ndjson", "rejects.ndjson")


@dataclass(slots=True)
class Summary:
    """One input, or all of them: how much of what, and what became of it."""

    input: str = ""
    format: str = ""
    bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    tally: Tally = field(default_factory=Tally)

    def take(self, rendered: Rendered) -> None:
        """The sums of one batch, the elements excepted."""
        for mine, other in ((self.counts, rendered.counts), (self.records, rendered.types), (self.notices, rendered.notices)):
            for name, count in other.items():
                mine[name] = mine.get(name, 0) + count
        self.rejects += rendered.rejects.count(b"\n")

    def add(self, other: Summary) -> None:
        """Another input's sums."""
        self.bytes += other.bytes
        self.rejects += other.rejects
        for mine, theirs in ((self.counts, other.counts), (self.records, other.records), (self.notices, other.notices)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        self.tally.merge(other.tally)

    def as_dict(self) -> dict[str, Any]:
        """The documented form, as in `coverage.json`."""
        named = {"input": self.input, "format": self.format} if self.input else {}
        units = {"units": 0, "partial": 0, "quarantined": 0, "ignored": 0, **self.counts}
        sums = {"bytes": self.bytes, **units, "rejects": self.rejects}
        kinds = {"records": dict(sorted(self.records.items())), "notices": dict(sorted(self.notices.items()))}
        return {**named, **sums, **kinds, **self.tally.as_dict()}


def read_profile(path: Path | None, source: str, format: str) -> SourceProfile:
    """The profile of a run: the file's keys, with `source` and `format` of the command line on top. Usage for a key nobody knows."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise Usage("E320", "the profile cannot be read", where=str(path), why=str(error), help="trivet translate --help") from None
    for key, value in values.items():
        if key not in KEYS or not isinstance(value, KEYS[key]):
            raise Usage("E321", f"unknown or ill-typed key in the profile: {key}", where=str(path), why="known: " + ", ".join(KEYS))
    if path is not None and isinstance(folder := values.get("options", {}).get("maps_dir"), str):
        values["options"] = {**values["options"], "maps_dir": str((path.parent / folder).resolve())}
    values |= {"source": source} if source else {}
    values |= {"format": format} if format != "auto" else {}
    return SourceProfile(**{"source": "translate", **values})


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Files in the order given, folders in the order of their names."""
    for path in paths:
        if path.is_dir():
            yield from (child for child in sorted(path.rglob("*")) if not child.is_dir())
        else:
            yield path


@contextmanager
def content(path: Path, mapped: Callable[[bytes], bool]) -> Iterator[Any]:
    """The bytes of a file; mapped into memory when it is large and `mapped(head)` says that its format can take it so."""
    with path.open("rb") as file:
        head = file.read(registry.HEAD)
        if path.stat().st_size < MAPPED_FROM or not mapped(head):
            yield head + file.read()
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            yield view


class Writer:
    """The four files of a run."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.records, self.lineage, self.rejects = (stack.enter_context((folder / name).open("wb")) for name in FILES)
        self.inputs: IO[bytes] = stack.enter_context((folder / "coverage.json").open("wb"))
        self.inputs.write(b'{"inputs":[')
        self._comma = b""
        self.total = Summary()

    def take(self, rendered: Rendered) -> None:
        """One batch."""
        self.records.write(rendered.records)
        self.lineage.write(rendered.lineage)
        self.rejects.write(rendered.rejects)

    def refuse(self, summary: Summary, reject: Rejected) -> None:
        """A whole file that was not taken."""
        row = {"input": summary.input, **asdict(reject)}
        self.rejects.write(jsontext.dumps({key: row[key] for key in ("input", "locator", "offset", "length", "code", "reason", "help")}))
        self.rejects.write(b"\n")
        summary.rejects += 1

    def close_input(self, summary: Summary) -> None:
        """One input is done."""
        self.inputs.write(self._comma + jsontext.dumps(summary.as_dict()))
        self._comma = b",\n"
        self.total.add(summary)

    def finish(self) -> None:
        """All inputs are done."""
        self.inputs.write(b'],\n"total":' + jsontext.dumps(self.total.as_dict()) + b"}\n")


def read_input(
    path: Path,
    summary: Summary,
    profile: SourceProfile,
    formats: Mapping[str, Format],
    refuse: Callable[[Rejected], None],
    run: Callable[[Format, Any, SourceProfile], None],
) -> None:
    """One file, whatever it is: its format and bytes to `run`, or the reason why it was not taken to `refuse`."""
    chosen: list[Format] = []

    def recognise(head: bytes) -> bool:
        form = formats.get(profile.format) if profile.format != "auto" else registry.detect(formats, head, path.name)
        chosen.extend([form] if form else [])
        return bool(form) and getattr(form, "reads_buffers", False)

    try:
        with content(path, recognise) as raw:
            summary.bytes = len(raw)
            if not chosen:
                recognise(raw[: registry.HEAD])
            if not len(raw):
                refuse(Rejected("empty-file", "the file is empty"))
            elif not chosen:
                why = "no format recognises the beginning of this file"
                refuse(Rejected("unknown-format", why, length=len(raw), help="trivet translate --format NAME"))
            else:
                summary.format = chosen[0].name
                run(chosen[0], raw, replace(profile, format=chosen[0].name))
    except OSError as error:
        refuse(Rejected("unreadable", error.strerror or type(error).__name__, help="check the file's permissions"))


class Taking:
    """One input's batches, taken in their order: what they say is written and summed up."""

    def __init__(self, summary: Summary, out: Writer) -> None:
        self.summary, self.out, self.account = summary, out, Account(summary.tally)

    def take(self, rendered: Rendered) -> None:
        """The next batch."""
        self.out.take(rendered)
        self.summary.take(rendered)
        self.summary.tally.merge(rendered.own)
        for offset, element in rendered.shared:
            self.account.share(offset, element)


def translate_paths(
    paths: Iterable[Path],
    out: Path,
    profile: SourceProfile,
    *,
    workers: int = 1,
    formats: Mapping[str, Format] | None = None,
    tell: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Translate files and folders into `out`; the sum of it all. `tell` hears of every input when it is done."""
    known = registry.load() if formats is None else formats
    if profile.format != "auto":
        registry.get(known, profile.format)
    with ExitStack() as stack:
        writer = Writer(out, stack)
        lane = Lane(stack.enter_context(ProcessPoolExecutor(workers)) if workers > 1 else None, 2 * workers)
        for path in walk(paths):
            summary = Summary(input=path.as_posix())
            taking = Taking(summary, writer)

            def run(form: Format, raw: Any, feed: SourceProfile, taking: Taking = taking) -> None:
                for batch in batches(taking.summary.input, form.split(raw)):
                    lane.put(taking.take, form, feed, batch)

            def refuse(reject: Rejected, summary: Summary = summary) -> None:
                lane.then(partial(writer.refuse, summary, reject))

            def close(summary: Summary = summary) -> None:
                writer.close_input(summary)
                tell(summary)

            read_input(path, summary, profile, known, refuse, run)
            lane.then(close)
        lane.finish()
        writer.finish()
        return writer.total
