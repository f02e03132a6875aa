"""Decisions about a person who is erased: their rows keep what the ledger says, and no more.

In: persons, inside the transaction of the erasure. Out: the ledger positions of their decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

from trivet.contracts.ports import Ledger, Tx
from trivet.governance.decisions import husk, project_decision
from trivet.governance.statements import sql
from trivet.kernel.jsontext import dumps

__all__ = ["Husks"]


class Husks:
    """Works on the rows only: the records are blobs that nobody can open any more."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, tx: Tx, persons: Sequence[str]) -> list[int]:
        """Ledger positions of the decisions about these persons."""
        return [seq for (seq,) in tx.execute(sql("decisions_of"), (dumps(list(persons)).decode("utf-8"),))]

    def leave(self, tx: Tx, seqs: Sequence[int]) -> None:
        """Put in place of each row what a rebuild would give without the record."""
        for seq in seqs:
            entry = self._ledger.entry(seq)
            tx.execute(sql("drop_denials"), (seq,))
            tx.execute(sql("drop_decision"), (seq,))
            notes = entry["notes"]
            project_decision(tx, seq, int(notes["id"].removeprefix("D-")), notes["blob"], husk(entry))
