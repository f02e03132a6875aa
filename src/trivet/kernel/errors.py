"""The three kinds of error, and no fourth.

`Rejected`: the data's fault. A value, not an exception: it is counted, kept and shown.
`Refused`: governance says no. The caller gets `contracts.prediction.Withheld` with a reason and what to do instead.
`Fault`: ours (or the machine's). It stops the work.

Every one says four things: what, where, why, and one command that helps. No message ever holds a patient's value.
Codes are listed in `docs/reference/errors.md` and never reused.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ChecksFailed", "Fault", "Locked", "NotFound", "Refused", "Rejected", "Usage", "exit_code"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A unit of data that was not taken: its code, its place (`locator`, byte `offset` and `length`) and the reason."""

    code: str
    reason: str
    locator: str = ""
    offset: int = 0
    length: int = 0
    help: str = ""


class Problem(Exception):
    """What, where, why, help: rendered by the command line as four lines and by the API as one object."""

    exit = 1

    def __init__(self, code: str, what: str, *, where: str = "", why: str = "", help: str = "") -> None:
        super().__init__(what)
        self.code, self.what, self.where, self.why, self.help = code, what, where, why, help

    def __reduce__(self) -> tuple[Any, ...]:
        """A problem survives the way from a worker process."""
        return _again, (type(self), self.args, self.__dict__)

    def as_dict(self) -> dict[str, str]:
        """The documented JSON form."""
        return {"code": self.code, "message": self.what, "where": self.where, "why": self.why, "help": self.help}


def _again(kind: type[Problem], args: tuple[Any, ...], said: dict[str, Any]) -> Problem:
    problem = kind.__new__(kind, *args)
    problem.__dict__.update(said)
    return problem


class Fault(Problem):
    """Ours: stops the work and pages."""

    exit = 1


class Usage(Problem):
    """The command was not understood."""

    exit = 2


class Refused(Problem):
    """Governance says no. `failed` lists the conditions that did not hold."""

    exit = 3

    def __init__(self, code: str, what: str, *, failed: tuple[str, ...] = (), where: str = "", why: str = "", help: str = "") -> None:
        super().__init__(code, what, where=where, why=why, help=help)
        self.failed = failed

    def as_dict(self) -> dict[str, str]:
        """The documented JSON form."""
        return {**super().as_dict(), "failed": ", ".join(self.failed)}


class DataRejected(Problem):
    """Raised only at the doors, when a whole call comes down to rejected data."""

    exit = 4

    def __init__(self, rejected: Rejected, *, where: str = "") -> None:
        super().__init__(rejected.code, rejected.reason, where=where or rejected.locator, help=rejected.help)
        self.rejected = asdict(rejected)


class NotFound(Problem):
    """No such thing under that name."""

    exit = 5


class ChecksFailed(Problem):
    """The work ran, and what it checked does not hold."""

    exit = 6


class Locked(Problem):
    """Something needed is locked or unavailable: try again."""

    exit = 7


def exit_code(problem: BaseException) -> int:
    """The documented exit code of a problem; 1 for anything unforeseen."""
    return problem.exit if isinstance(problem, Problem) else 1
