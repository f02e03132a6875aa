"""Routes: which model answers for a use at a site, which stand behind it, which run unseen. A new route is a new version of it."""

from __future__ import annotations

from collections.abc import Sequence

from trivet.contracts.governance import Route
from trivet.contracts.ports import Tx
from trivet.contracts.prediction import ModelRef
from trivet.governance.desk import Desk
from trivet.governance.state import State, ref_out
from trivet.kernel.errors import NotFound

__all__ = ["Routes"]


class Routes:
    """Writes routes. Whether a routed model may run is the gate's business at every single call."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def lay(self, tx: Tx, use: str, site: str, ref: ModelRef, place: str, *, by: str, refs: tuple[int, ...] = ()) -> int:
        """Put a model version in a place: `active`, `fallback` or `shadow`. Any other place it leaves; another version leaves this one.

        Who was active before stands behind it from now on when the use names it among its fallbacks.
        """
        policy = self._desk.policy
        if use not in policy.uses:
            raise NotFound("E706", f"there is no use {use}", why="uses: " + ", ".join(policy.uses))
        asked = policy.uses[use]
        old = State(tx.execute).route(use, site) or Route(use, site, 0, None, (), (), asked.view, asked.instead)
        active = old.active if old.active != ref else None
        behind, beside = _without(old.fallbacks, ref), _without(old.shadows, ref)
        if place == "active":
            if active is not None and active.name in asked.fallbacks and active.name != ref.name:
                behind = (*behind, active)
            active, behind = ref, _without_name(behind, ref)
        elif place == "fallback":
            behind = (*_without_name(behind, ref), ref)
        else:
            beside = (*_without_name(beside, ref), ref)
        behind = tuple(sorted(behind, key=lambda one: _rank(asked.fallbacks, one.name)))
        version = old.version + 1 if old.site == site else 1
        words = {
            "use": use,
            "site": site,
            "version": version,
            "active": ref_out(active),
            "fallbacks": [ref_out(one) for one in behind],
            "shadows": [ref_out(one) for one in beside],
            "view": asked.view,
            "instead": asked.instead,
        }
        return self._desk.note(tx, "route", place, by, use, words, refs=refs)


def _without(refs: Sequence[ModelRef], gone: ModelRef) -> tuple[ModelRef, ...]:
    return tuple(ref for ref in refs if ref != gone)


def _without_name(refs: Sequence[ModelRef], gone: ModelRef) -> tuple[ModelRef, ...]:
    return tuple(ref for ref in refs if ref.name != gone.name)


def _rank(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)
