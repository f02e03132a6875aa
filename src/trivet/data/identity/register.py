"""What identity keeps: compared records, their keys, links over time, events, doubts. Only here is identity's SQL spoken.

In: an open transaction. Out: rows as plain tuples. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from trivet.contracts.ports import Tx
from trivet.data.identity.features import Features
from trivet.kernel.digest import record_id
from trivet.kernel.resources import text

__all__ = ["Event", "Known", "Register", "features_of", "person_of"]

_decode = msgspec.json.Decoder(Features)
_encode = msgspec.json.Encoder()


@lru_cache(maxsize=2_048)  # the records of a few crowded keys; many more would be walked through whenever memory is tidied up
def features_of(packed: str) -> Features:
    """The features in a row."""
    return _decode.decode(packed)


def person_of(subject: str, turn: int = 0) -> str:
    """The person that a record founds: deterministic; `turn` counts the times it was taken out of another person."""
    return f"p-{record_id('person', subject, str(turn))[:20]}"


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


_KNOWN, _ADD, _UPDATE, _MOVE = _sql("identity_known"), _sql("identity_add"), _sql("identity_update"), _sql("identity_move")
_KEY_ADD, _KEY_REMOVE, _BLOCK = _sql("identity_key_add"), _sql("identity_key_remove"), _sql("identity_block")
_BEHIND = _sql("identity_persons_behind")
_CANDIDATES, _MEMBERS, _PERSONS = _sql("identity_candidates"), _sql("identity_members"), _sql("identity_persons")
_COUNT, _TERM, _TERM_ADD = _sql("identity_count"), _sql("identity_term"), _sql("identity_term_add")
_CLOSE, _LINK, _EVENT = _sql("link_close"), _sql("link_add"), _sql("link_event_add")
_APART, _APART_ADD, _APART_REMOVE = _sql("link_apart_of"), _sql("link_apart_add"), _sql("link_apart_remove")
_DISPUTED = _sql("link_disputed")
_REVIEW, _REVIEW_CLOSE = _sql("link_review_add"), _sql("link_review_close")
_FIRMER = _sql("link_review_firmer")


class Known(NamedTuple):
    """One compared record."""

    id: int
    subject: str
    person: str
    features: Features


class Event(NamedTuple):
    """One thing that happened to links. `evidence` is ((field, level, bits), ...), `moved` the subjects that changed their person."""

    seq: int
    kind: str
    subject: str
    person: str
    other: str
    rule: str
    grade: str
    score: float | None
    evidence: tuple[tuple[str, str, float], ...]
    moved: tuple[str, ...]
    actor: str
    at: str
    undoes: int | None = None


class Register:
    """The tables of identity inside one transaction."""

    __slots__ = ("tx",)

    def __init__(self, tx: Tx) -> None:
        self.tx = tx

    def find(self, subject: str) -> tuple[Known, bytes, str] | None:
        """A record, the digest of what it said last, and its source; None when it is new."""
        rows = self.tx.execute(_KNOWN, (subject,))
        if not rows:
            return None
        number, person, digest, packed, source = rows[0]
        return Known(number, subject, person, features_of(packed)), digest, source

    def add(self, subject: str, source: str, person: str, digest: bytes, known: Features, seq: int) -> int:
        """A new record; gives its number."""
        row = (subject, source, person, digest, _encode.encode(known).decode(), seq, seq)
        number: int = self.tx.execute(_ADD, row)[0][0]
        return number

    def update(self, number: int, digest: bytes, known: Features, seq: int) -> None:
        """What the record says now."""
        self.tx.execute(_UPDATE, (digest, _encode.encode(known).decode(), seq, number))

    def key(self, number: int, brief: int, added: Iterable[int], removed: Iterable[int] = ()) -> None:
        """Change the keys under which a record is found, and what stands beside those that are added or written again."""
        for key in removed:
            self.tx.execute(_KEY_REMOVE, (key, number))
        self.tx.executemany(_KEY_ADD, [(key, number, brief) for key in added])

    def block(self, key: int, most: int) -> Sequence[tuple[int, int]]:
        """The records under a key, at most `most`: number, brief."""
        rows: Sequence[tuple[int, int]] = self.tx.execute(_BLOCK, (key, most))
        return rows

    def behind(self, numbers: Sequence[int]) -> set[str]:
        """The persons of these records."""
        return {person for (person,) in self.tx.execute(_BEHIND, (_list(numbers),))}

    def candidates(self, numbers: Iterable[int]) -> Sequence[tuple[int, str, str, str]]:
        """Records by their numbers, in order: number, subject, person, features still packed (`features_of` opens them)."""
        rows: Sequence[tuple[int, str, str, str]] = self.tx.execute(_CANDIDATES, (_list(sorted(numbers)),))
        return rows

    def members(self, person: str) -> list[Known]:
        """All records of a person, oldest first."""
        rows = self.tx.execute(_MEMBERS, (person,))
        return [Known(number, subject, holder, features_of(packed)) for number, subject, holder, packed in rows]

    def persons(self, subjects: Sequence[str]) -> dict[str, str]:
        """The person of each subject that has one."""
        return dict(self.tx.execute(_PERSONS, (_list(subjects),)))

    def count(self) -> int:
        """How many records there are."""
        number: int = self.tx.execute(_COUNT)[0][0]
        return number

    def terms(self, field: str, term: str) -> int:
        """How many records bear a name."""
        rows = self.tx.execute(_TERM, (field, term))
        return int(rows[0][0]) if rows else 0

    def count_terms(self, pairs: Iterable[tuple[str, str]]) -> None:
        """One more record for each of these names."""
        self.tx.executemany(_TERM_ADD, list(pairs))

    def assign(self, subject: str, person: str, seq: int, event: int) -> None:
        """The subject stands with this person since a position, and no longer with another."""
        self.tx.execute(_CLOSE, (seq, subject))
        self.tx.execute(_LINK, (subject, person, seq, subject, event))
        self.tx.execute(_MOVE, (person, subject))

    def happened(self, event: Event) -> int:
        """Write an event down; gives its number."""
        row = (
            *event[:7],
            event.score,
            _list(event.evidence),
            _list(event.moved),
            event.actor,
            event.at,
            event.undoes,
        )
        number: int = self.tx.execute(_EVENT, row)[0][0]
        return number

    def apart(self, subject: str) -> set[str]:
        """Subjects that a human keeps apart from this one."""
        return {other for (other,) in self.tx.execute(_APART, (subject,))}

    def disputed(self, subjects: Sequence[str]) -> set[str]:
        """Of these the records of which it is not settled whose they are: one number, two names."""
        return {subject for (subject,) in self.tx.execute(_DISPUTED, (_list(subjects),))} if subjects else set()

    def keep_apart(self, pairs: Iterable[tuple[str, str]], seq: int) -> None:
        """Never join these again without a human."""
        self.tx.executemany(_APART_ADD, [(*sorted(pair), seq) for pair in pairs])

    def allow(self, pairs: Iterable[tuple[str, str]]) -> None:
        """A human joins them after all."""
        self.tx.executemany(_APART_REMOVE, [tuple(sorted(pair)) for pair in pairs])

    def doubt(self, mark: str, kind: str, event: Event) -> bool:
        """Put a pair before a human, once. True when it is new."""
        row = (mark, kind, event.seq, event.subject, event.other, event.rule, event.score, _list(event.evidence))
        return bool(self.tx.execute(_REVIEW, row))

    def firmer(self, mark: str, event: Event, grave: bool) -> bool:
        """A doubt that waits already, by what says more: a number in dispute (`grave`), or more than a bit beyond what was known. One that
        says of a number that it is in dispute stays as it is. True when it changed."""
        row = (event.subject, event.other, event.rule, event.score, _list(event.evidence), mark, grave)
        return bool(self.tx.execute(_FIRMER, row))

    def settle(self, subjects: Sequence[str], seq: int) -> None:
        """Close doubts about pairs that are one person now."""
        packed = _list(subjects)
        self.tx.execute(_REVIEW_CLOSE, (seq, packed, packed))


def _list(values: Sequence[Any] | Mapping[str, Any]) -> str:
    return _encode.encode(values).decode()
