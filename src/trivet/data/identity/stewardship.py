"""What a human decides about persons: confirm or reject a doubt, merge, undo a merge, take a record out. Each is a ledger event.

In: a decision as plain data. Out: links changed, and never changed back by the machine. A decision's content lies in the vault
(kind `link.decision`), so that a rebuild can do it again; the ledger holds its commitment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.ports import Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.data.identity.register import Event, Known, Register, person_of
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound, Refused, Usage
from trivet.kernel.resources import text

__all__ = ["Steward", "apply"]

DOUBT = ("review", "kind", "rule", "score", "evidence", "state", "subject", "person", "other", "other_person")
ACTIONS = ("confirm", "reject", "merge", "unmerge", "separate")


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class Steward:
    """The desk at which a named human decides. `decide` gives the ledger position of the decision."""

    def __init__(self, store: Store, vault: Vault, ledger: Ledger) -> None:
        self._store, self._vault, self._ledger = store, vault, ledger

    def decide(self, action: str, target: str | int, *, actor: str, reason: str, at: str, other: str = "") -> int:
        """`confirm`/`reject` a review by number, `merge` a subject with `other`, `unmerge` an event by number, `separate` a subject.

        Usage without actor or reason; NotFound for what is not there; Refused for what was decided already.
        """
        if action not in ACTIONS:
            raise Usage("E280", f"no such decision: {action}", why="one of " + ", ".join(ACTIONS))
        if not actor or not reason:
            raise Usage("E281", "a decision about a person needs who and why", help="--actor NAME --reason TEXT")
        said = jsontext.dumps({"action": action, "target": target, "other": other, "actor": actor, "reason": reason})

        def work(tx: Tx) -> int:
            register = Register(tx)
            blob = self._vault.put(tx, said, holder="house", kind="link.decision")
            notes = {"action": action, "blob": blob}
            entry = Entry("link.decision", at, commitments={"decision": self._vault.commit(blob)}, notes=notes)
            seq = self._ledger.append(tx, [entry])[0].seq
            apply(register, seq, at, said)
            return seq

        return self._store.write(work)

    def doubt(self, number: int) -> dict[str, Any]:
        """What is known of a doubt: review, kind, rule, score (bits), evidence, state, both records and persons. NotFound E282."""
        rows = self._store.read(_sql("link_doubt"), (number,))
        if not rows:
            raise NotFound("E282", f"no review {number}", help="trivet link --json")
        return dict(zip(DOUBT, rows[0], strict=True))

    def stands(self, action: str, target: str | int) -> tuple[frozenset[str], int]:
        """The persons that an `unmerge` or `separate` parts, and the ledger position since which they have been one. Nobody where
        there is nothing to part; `decide` then says why."""
        if action == "unmerge":
            rows = self._store.read(_sql("link_event_one"), (int(target),))
            if not rows:
                return frozenset(), 0
            _, seq, kind, _, person, other, *_ = rows[0]
            return frozenset((person, other) if kind in ("merged", "moved") else (person,)), int(seq)
        rows = self._store.read(_sql("link_since"), (str(target),))
        return (frozenset((rows[0][0],)), int(rows[0][1])) if rows else (frozenset(), 0)


def apply(register: Register, seq: int, at: str, said: bytes) -> None:
    """Do what was decided: used when it is decided, and again when links are rebuilt."""
    decision: dict[str, Any] = jsontext.loads(said)
    action, target, actor = decision["action"], decision["target"], decision["actor"]
    desk = Desk(register, seq, at, actor)
    if action in ("confirm", "reject"):
        desk.review(int(target), action == "confirm")
    elif action == "merge":
        desk.merge(str(target), decision["other"], "steward")
    elif action == "unmerge":
        desk.unmerge(int(target))
    else:
        desk.separate(str(target))


class Desk:
    """One decision being carried out."""

    def __init__(self, register: Register, seq: int, at: str, actor: str) -> None:
        self.register, self.seq, self.at, self.actor = register, seq, at, actor

    def review(self, number: int, yes: bool) -> None:
        """Answer a doubt."""
        rows = self.register.tx.execute(_sql("link_review_one"), (number,))
        if not rows:
            raise NotFound("E282", f"no review {number}", help="trivet link --json")
        _, kind, _, subject, other, _, _, _, state = rows[0]
        if state != "open":
            raise Refused("E283", "this doubt is decided already", where=f"review {number}", why=state)
        self.register.tx.execute(_sql("link_review_decide"), ("confirmed" if yes else "rejected", self.seq, number))
        if kind != "pair":
            return
        if yes:
            self.merge(subject, other, f"review {number}")
        else:
            one, two = self.members_of(subject), self.members_of(other)
            if one[0].person != two[0].person:
                self.register.keep_apart(_pairs(one, two), self.seq)
            self.note("rejected", subject, one[0].person, other, (), f"review {number}")

    def merge(self, subject: str, other: str, rule: str) -> None:
        """Two persons are one: the older one stays."""
        one, two = self.members_of(subject), self.members_of(other)
        if one[0].person == two[0].person:
            return
        self.register.allow(_pairs(one, two))
        stays, goes = (one, two) if one[0].id < two[0].id else (two, one)
        self.move("merged", subject, stays[0].person, goes[0].person, [known.subject for known in goes], rule)

    def unmerge(self, number: int) -> None:
        """Undo a merge or a link: who was moved goes back, and stays apart from who remains."""
        rows = self.register.tx.execute(_sql("link_event_one"), (number,))
        if not rows or rows[0][2] not in ("merged", "linked", "moved"):
            raise NotFound("E284", f"no merge {number}", help='trivet query "select * from links"')
        if self.register.tx.execute(_sql("link_event_undone"), (number,)):
            raise Refused("E285", "this merge is undone already", where=f"event {number}")
        _, _, kind, subject, person, other, _, _, _, _, packed, *_ = rows[0]
        moved = [one for one in jsontext.loads(packed) if self.register.persons([one]).get(one) == person]
        home = other if kind in ("merged", "moved") else self.fresh(subject)
        remain = [known for known in self.register.members(person) if known.subject not in moved]
        self.move("unmerged", subject, home, person, moved, "steward", undoes=number)
        self.register.keep_apart(((one, known.subject) for one in moved for known in remain), self.seq)

    def separate(self, subject: str) -> None:
        """Take one record out of its person, for good."""
        members = self.members_of(subject)
        remain = [known for known in members if known.subject != subject]
        if not remain:
            raise Refused("E286", "this record stands alone already", where=subject)
        self.move("separated", subject, self.fresh(subject), members[0].person, [subject], "steward")
        self.register.keep_apart(((subject, known.subject) for known in remain), self.seq)

    def fresh(self, subject: str) -> str:
        """A person for a record that goes its own way: the one it founds, or the next of that kind that nobody bears."""
        turn = 0
        while self.register.members(person_of(subject, turn)):
            turn += 1
        return person_of(subject, turn)

    def move(self, kind: str, subject: str, person: str, other: str, moved: Sequence[str], rule: str, undoes: int | None = None) -> None:
        """Write the event and move its subjects."""
        number = self.note(kind, subject, person, other, moved, rule, undoes)
        for one in moved:
            self.register.assign(one, person, self.seq, number)
        self.register.settle(list(moved), self.seq)

    def note(self, kind: str, subject: str, person: str, other: str, moved: Sequence[str], rule: str, undoes: int | None = None) -> int:
        """Write an event down; gives its number."""
        event = Event(self.seq, kind, subject, person, other, rule, "certain", None, (), tuple(moved), self.actor, self.at, undoes)
        return self.register.happened(event)

    def members_of(self, subject: str) -> list[Known]:
        """All records of the person of a subject, oldest first. NotFound when nobody knows the subject."""
        person = self.register.persons([subject]).get(subject)
        if person is None:
            raise NotFound("E287", "no such patient record", where=subject)
        return self.register.members(person)


def _pairs(one: Sequence[Known], two: Sequence[Known]) -> list[tuple[str, str]]:
    return [(left.subject, right.subject) for left in one for right in two]
