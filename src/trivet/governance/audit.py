"""The whole ledger read and hashed again: does every byte still say what was signed?

In: a ledger, its checkpoints, the public keys, and, if somebody kept one elsewhere, an older checkpoint. Out: a report; every
finding is a line. Without a checkpoint kept outside, a complete rewrite by whoever holds the signing key cannot be seen: the
report says which it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.ports import Store
from trivet.governance.checkpoints import SignedHead
from trivet.governance.entry import decode
from trivet.governance.ledger import MerkleLedger
from trivet.kernel.errors import Fault
from trivet.kernel.merkle import EMPTY_ROOT, fold, leaf_hash, node_hash
from trivet.kernel.note import BadNote, NoteVerifier, open_note, parse_checkpoint
from trivet.kernel.resources import text

__all__ = ["Audit", "audit"]

PAGE = 1_000  # entries read at a time


def _sql(name: str) -> str:
    return text("trivet.governance", "sql", "ledger", f"{name}.sql")


@dataclass(slots=True)
class Audit:
    """What was read and what was found. `outside` tells whether a checkpoint from outside was among what was checked."""

    size: int = 0
    root: str = ""
    checkpoints: int = 0
    signed_size: int = 0
    outside: bool = False
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        return {
            "ok": not self.problems,
            "size": self.size,
            "root": self.root,
            "checkpoints": self.checkpoints,
            "signed_size": self.signed_size,
            "outside_checkpoint": self.outside,
            "problems": self.problems,
        }


class Hasher:
    """Leaf hashes in, tile by tile; remembers the root at every size that is asked for."""

    def __init__(self) -> None:
        self.stack: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """One more leaf: complete subtrees of equal height are joined."""
        height = 0
        while self.stack and self.stack[-1][0] == height:
            leaf = node_hash(self.stack.pop()[1], leaf)
            height += 1
        self.stack.append((height, leaf))
        self.size += 1

    def root(self) -> bytes:
        """The root of what was added so far."""
        if not self.stack:
            return EMPTY_ROOT
        found = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            found = node_hash(left, found)
        return found


def audit(ledger: MerkleLedger, store: Store, heads: Sequence[SignedHead], keys: Sequence[NoteVerifier], kept: str = "") -> Audit:
    """Read and hash everything. `kept` is the text of a checkpoint that was kept outside this house."""
    snapshot = store.read(_sql("snapshot"))
    report = Audit(size=snapshot[0][0], checkpoints=len(heads), signed_size=max((head.size for head in heads), default=0))
    wanted: dict[int, list[tuple[str, bytes]]] = {}
    for head in heads:
        wanted.setdefault(head.size, []).append((f"checkpoint {head.size}", head.root))
        said = opened(head.note, keys, f"checkpoint {head.size}", report)
        if said is not None and (said.size, said.root) != (head.size, head.root):
            report.problems.append(f"checkpoint {head.size} says something else than its note")
    if kept:
        outside = opened(kept, keys, "the checkpoint kept outside", report)
        if outside is not None:
            report.outside = True
            wanted.setdefault(outside.size, []).append(("the checkpoint kept outside", outside.root))
    hasher, kinds = Hasher(), Counter[str]()
    tiles = Tiles(store, report, {(level, idx): edge for _, level, idx, edge in snapshot if edge})
    for seq, stored, body in entries(store, report):
        leaf = leaf_hash(body)
        if leaf != stored:
            report.problems.append(f"entry {seq} does not fit its hash")
        kinds[decode(body)["kind"]] += 1
        hasher.add(leaf)
        tiles.add(leaf)
        for name, root in wanted.pop(seq + 1, ()):
            if hasher.root() != root:
                report.problems.append(f"{name} does not fit the entries")
    report.problems += [f"{name} reaches {size}, beyond the end" for size, late in wanted.items() for name, _ in late]
    report.root = hasher.root().hex()
    tiles.end()
    if dict(store.read(_sql("kinds"), (report.size,))) != dict(kinds):
        report.problems.append("the index of kinds does not fit the entries")
    try:
        if ledger.root(report.size) != report.root:
            report.problems.append("the tiles give another root than the entries")
    except Fault as fault:
        report.problems.append(f"{fault.what}: {fault.where}")
    return report


def opened(note: str, keys: Sequence[NoteVerifier], name: str, report: Audit) -> Any:
    """A checkpoint out of its note, or None and a finding."""
    try:
        return parse_checkpoint(open_note(note, keys))
    except BadNote as error:
        report.problems.append(f"{name}: {error}")
        return None


def entries(store: Store, report: Audit) -> Iterator[tuple[int, bytes, bytes]]:
    """Every entry in order with its stored hash; stops with a finding at the first gap."""
    expected = 0
    for first in range(0, report.size, PAGE):
        for seq, leaf, body in store.read(_sql("audited"), (first, min(first + PAGE, report.size))):
            if seq != expected:
                break
            try:
                decode(body)["kind"]
            except (ValueError, KeyError):
                report.problems.append(f"entry {seq} is not an entry")
                return
            yield seq, leaf, body
            expected += 1
        if expected != min(first + PAGE, report.size):
            report.problems.append(f"entry {expected} is missing, the head says {report.size}")
            return


class Tiles:
    """The stored tiles and edges, held against the leaves as they come."""

    def __init__(self, store: Store, report: Audit, edges: dict[tuple[int, int], bytes]) -> None:
        self.store, self.report, self.edges = store, report, edges
        self.open: list[tuple[int, list[bytes]]] = []

    def add(self, hashed: bytes, level: int = 0) -> None:
        """One more hash at a level."""
        if level == len(self.open):
            self.open.append((0, []))
        idx, row = self.open[level]
        row.append(hashed)
        if len(row) == 256:
            if self.store.read(_sql("full_tile"), (level, idx)) != [(b"".join(row),)]:
                self.report.problems.append(f"tile {idx} of level {level} does not fit the entries")
            self.open[level] = (idx + 1, [])
            self.add(fold(row), level + 1)

    def end(self) -> None:
        """What is left over."""
        for level, (idx, row) in list(enumerate(self.open))[1:]:
            if self.edges.pop((level, idx), b"") != b"".join(row):
                self.report.problems.append(f"the edge of level {level} does not fit the entries")
        self.report.problems += [f"the edge of level {level} belongs to no entries" for level, _ in self.edges]
