"""The intake journal of a home: who makes it, and what a crash left in it.

In: a house. Out: the journal; or nothing, when what stands in it is landed. Refused: nothing. A journal that cannot be landed stays as it
is: `fsck` names it, and the doors stay shut.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.kernel.errors import Problem

__all__ = ["intake", "recover"]

FILE = "intake.journal"
KIND = "intake journal"  # no blob is of this kind: what the vault calls an address under it is nobody's but the journal's


def intake(house: House) -> Any:
    """The journal, keyed with the vault's secret."""
    from trivet.data.intake import IntakeJournal

    def key(salt: bytes) -> bytes:
        return bytes.fromhex(house.vault.address(salt, KIND))

    return IntakeJournal(house.role("store"), lambda: house.landing, Path(house.home) / FILE, key)


def recover(house: House) -> None:
    """Land what was acknowledged when a process died, before anything else is done with the home. Most homes have no such file, or an
    empty one; then no key is touched."""
    path = Path(house.home) / FILE
    if not path.exists():
        return
    from trivet.data.intake.journal import through
    from trivet.data.intake.slips import found

    with contextlib.suppress(Problem, OSError):
        if found(path.read_bytes(), through(house.role("store"))):
            house.role("intake").recover()
