"""The Python door: a home, opened for one caller and one purpose, read-only.

In: a folder, who asks, what for. Out: frames and stories, each as role, purpose and consent allow, each on record before it is given: the
same flows that the command line calls. Refused: what no policy permits, persons whose consent refuses the purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from trivet.contracts.house import House
from trivet.flows.ask import look
from trivet.flows.study import THEN, known_of, rows_of, story_of
from trivet.kernel import jsontext
from trivet.kernel.errors import Usage
from trivet.wiring.build import open_home
from trivet.wiring.frames import FeatureFrame, Frame, PersonFrame
from trivet.wiring.rooms import moment, position

__all__ = ["Home", "open_door"]

Moment = str | datetime | None
Position = int | str | datetime | None
SHAPE = pa.schema(
    [
        *((name, pa.string()) for name in ("key", "type", "id")),
        ("version", pa.int64()),
        ("valid_at", pa.string()),
        ("known_seq", pa.int64()),
        ("receipt", pa.int64()),
        *((name, pa.string()) for name in ("source", "body")),
    ]
)


def open_door(
    home: str | Path, *, purpose: str = "", role: str = "", reason: str = "", actor: str = "", house: House | None = None
) -> Home:
    """A home for one caller. What is left out is what the settings say; `actor` is the user of the machine unless said.

    NotFound E121 where there is no home; Usage E291 for a role or purpose that nobody defined.
    """
    opened = house or open_home(Path(home))
    try:
        return Home(opened, purpose=purpose, role=role, reason=reason, actor=actor or getuser())
    except BaseException:
        opened.close()
        raise


class Home:
    """One opened home, for one caller. Use it as a context manager, or call `close`."""

    def __init__(self, house: House, *, purpose: str, role: str, reason: str, actor: str) -> None:
        self._house = house
        self.caller = house.role("access").caller(role, purpose, reason, actor)
        house.role("access").ask(self.caller, "operational")  # a role or purpose that nobody defined is said now

    def query(self, sql: str, as_of: Position = None) -> Frame:
        """One SELECT over the published views (docs/reference/views.md), as of a position or an instant."""
        at = self._position(as_of)
        table, left_out, policies = look(self._house, sql, self.caller, at)
        return Frame(table, as_of=at, left_out=left_out, policies=policies)

    def person(self, person: str, as_of: Position = None) -> PersonFrame:
        """All that was known of one person. Needs a permit for what is clinical and identifying; Refused E132 by consent."""
        at = self._position(as_of)
        rows = known_of(self._house, person, self.caller, at)
        told = [{**row, "body": jsontext.dumps(row["resource"]).decode()} for row in rows]
        return PersonFrame(pa.Table.from_pylist(told, schema=SHAPE), as_of=at)

    def features(self, view: str, persons: Sequence[str], at: Moment | Sequence[Moment] = None, as_of: Position = None) -> FeatureFrame:
        """A feature view for persons at an instant, or each at its own (as many as persons; None: now).

        `as_of` is what counts as known: everything by now (None), up to a position or an instant, or `"at"`: what was known at each
        case's own instant. Persons who refuse the purpose have no row; `left_out` counts them. NotFound E333 for an unknown person.
        """
        if isinstance(persons, str):
            raise Usage("E135", "persons are a list of names", help='features("readmission", ["p-..."])')
        moments = [at] * len(persons) if at is None or isinstance(at, str | datetime) else list(at)
        if len(moments) != len(persons):
            raise Usage("E135", "as many instants as persons", why=f"{len(moments)} and {len(persons)}")
        cases = [(person, self._moment(one)) for person, one in zip(persons, moments, strict=True)]
        rows, left_out = rows_of(self._house, view, cases, self.caller, THEN if as_of == "at" else self._position(as_of))
        return FeatureFrame(self._house.features.view(view), rows, left_out=left_out)

    def explain(self, decision: str) -> dict[str, Any]:
        """The story of a decision, as `trivet explain --json` tells it. Needs a permit for what is clinical and identifying."""
        return story_of(self._house, decision, self.caller)

    def close(self) -> None:
        """Give the home back."""
        self._house.close()

    def __enter__(self) -> Home:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _position(self, as_of: Position) -> int | None:
        if as_of is None or isinstance(as_of, int):
            return as_of
        return position(self._house, _text(as_of))

    def _moment(self, at: Moment) -> str:
        if at is None:
            return self._house.clock.now()
        return moment(self._house, _text(at))


def _text(at: str | datetime) -> str:
    """An instant as text. A `datetime` without a zone is UTC: so the views give it."""
    return at if isinstance(at, str) else at.isoformat() if at.tzinfo else at.replace(tzinfo=UTC).isoformat()
