"""What the tables say now, as types. In: anything that runs a statement (a transaction, or the store's reader)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from trivet.contracts.governance import Evidence, Grant, Holding, Release, Route, Suspension, Vote
from trivet.contracts.prediction import ModelRef
from trivet.governance.statements import sql
from trivet.kernel.errors import NotFound
from trivet.kernel.jsontext import loads

__all__ = ["State", "evidence_of_words", "grant_of_words", "ref_in", "ref_out"]

Execute = Callable[..., Sequence[tuple[Any, ...]]]
EVIDENCE = tuple(field.name for field in fields(Evidence) if field.name != "seq")
GRANT = tuple(field.name for field in fields(Grant) if field.name not in ("seq", "expires_at", "revoked_at"))


class State:
    """Reads through `execute`: `State(tx.execute)` sees its own transaction, `State(store.read)` what is committed."""

    def __init__(self, execute: Execute) -> None:
        self._run = execute

    def _rows(self, name: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Sequence[tuple[Any, ...]]:
        return self._run(sql(name), parameters)

    def position(self) -> int:
        """Ledger position of the newest governance event, -1 before the first."""
        return int(self._rows("position")[0][0])

    def active(self, principal: str) -> bool:
        """Is this somebody who is here?"""
        rows = self._rows("principal", (principal,))
        return bool(rows) and bool(rows[0][4])

    def principals(self) -> list[dict[str, Any]]:
        """Everybody who was ever enrolled."""
        return [
            {"principal": row[0], "name": row[1], "department": row[2], "profession": row[3], "active": bool(row[4])}
            for row in self._rows("principals")
        ]

    def holdings(self, system: str = "") -> list[Holding]:
        """Seats held now, by people who are here."""
        return [Holding(*row) for row in self._rows("held", {"system": system})]

    def seats(self, system: str) -> dict[str, str]:
        """Seat -> principal."""
        return {holding.seat: holding.principal for holding in self.holdings(system)}

    def seat_history(self, system: str) -> list[Holding]:
        """Every holding there ever was."""
        return [Holding(*row) for row in self._rows("seat_history", (system,))]

    def releases(self, model: str = "") -> list[Release]:
        """Registered versions, oldest first."""
        return [_release(row) for row in self._rows("releases", {"model": model})]

    def release(self, name: str) -> Release:
        """The newest version of `model`, or the version of `model@version`. NotFound E701 when there is none."""
        model, _, version = name.partition("@")
        found = [release for release in self.releases(model) if version in ("", release.version)]
        if not found:
            known = sorted({release.model for release in self.releases()})
            raise NotFound(
                "E701", f"no model {name} is registered", why="known: " + (", ".join(known) or "none"), help="trivet promote --list"
            )
        return found[-1]

    def by_digest(self, digest: str) -> Release | None:
        """The release with this manifest digest."""
        return next((release for release in self.releases() if release.digest == digest), None)

    def stage(self, digest: str, site: str) -> str:
        """The stage of a release at a site; what holds for every site (empty) holds there too."""
        stages = {str(place): str(stage) for place, stage in self._rows("stages", (digest,))}
        return stages.get(site) or stages.get("") or "registered"

    def stages(self, digest: str) -> dict[str, str]:
        """Site -> stage."""
        return {str(place): str(stage) for place, stage in self._rows("stages", (digest,))}

    def evidence(self, digest: str) -> list[Evidence]:
        """What stands about one release, oldest first."""
        return [evidence_of_words(loads(body), seq) for body, seq in self._rows("evidence_of", (digest,))]

    def all_evidence(self) -> list[Evidence]:
        """What stands about any release."""
        return [evidence_of_words(loads(body), seq) for body, seq, withdrawn in self._rows("evidence_all") if not withdrawn]

    def withdrawn(self) -> frozenset[str]:
        """Ids of evidence that was taken back."""
        return frozenset(row[0] for row in self._rows("withdrawn"))

    def votes(self, digest: str) -> list[Vote]:
        """Every vote on one release, oldest first."""
        return [Vote(*row) for row in self._rows("votes_of", (digest,))]

    def gate_runs(self, model: str = "") -> list[dict[str, Any]]:
        """Every gate run, with what it judged."""
        return [{"seq": row[0], "at": row[11], **loads(row[12])} for row in self._rows("gate_runs", {"model": model})]

    def grants(self, digest: str = "") -> list[Grant]:
        """Every grant there ever was, oldest first; the dead ones carry `revoked_at` or an expiry in the past."""
        return [
            grant_of_words(loads(body), expires, revoked, seq) for body, expires, revoked, seq in self._rows("grants", {"digest": digest})
        ]

    def routes(self) -> list[Route]:
        """The route in force of each use and site."""
        return [_route(row) for row in self._rows("routes")]

    def route(self, use: str, site: str) -> Route | None:
        """The route of a use laid for a site, or the one for every site."""
        found = {route.site: route for route in self.routes() if route.use == use}
        return found.get(site) or found.get("")

    def nearest_route(self, use: str, site: str) -> Route | None:
        """The same, or another site's: the gate then says of each model whether its grant covers this site, and that is recorded."""
        return self.route(use, site) or next((route for route in self.routes() if route.use == use), None)

    def suspensions(self) -> dict[str, Suspension]:
        """Models that stand still, by name."""
        return {row[0]: Suspension(*row) for row in self._rows("suspended")}

    def hypotheses(self) -> list[dict[str, Any]]:
        """Locked value hypotheses, oldest first."""
        return [{**loads(body), "locked_at": at, "seq": seq} for _, at, body, seq in self._rows("hypotheses")]

    def costs(self) -> list[dict[str, Any]]:
        """Cost entries."""
        names = ("seq", "use", "kind", "source", "amount", "currency", "since", "until", "note")
        return [dict(zip(names, row, strict=True)) for row in self._rows("costs")]


def ref_out(ref: ModelRef | None) -> dict[str, str] | None:
    """A model reference as words."""
    return None if ref is None else {"name": ref.name, "version": ref.version, "digest": ref.digest}


def ref_in(words: dict[str, str] | None) -> ModelRef | None:
    """A model reference from words."""
    return None if words is None else ModelRef(words["name"], words["version"], words["digest"])


def evidence_of_words(words: dict[str, Any], seq: int) -> Evidence:
    """Evidence from the words of its event."""
    return Evidence(**{name: words[name] for name in EVIDENCE}, seq=seq)


def grant_of_words(words: dict[str, Any], expires_at: str, revoked_at: str, seq: int) -> Grant:
    """A grant from the words of its event, with what happened to it since."""
    held: dict[str, Any] = {name: tuple(words[name]) if isinstance(words[name], list) else words[name] for name in GRANT}
    held["evidence"] = tuple((str(item), str(until)) for item, until in words["evidence"])
    return Grant(**held, expires_at=expires_at, revoked_at=revoked_at, seq=seq)


def _release(row: Sequence[Any]) -> Release:
    model, version, digest, artefact, kind, output, tier, title, uses, population, developers, requested_by, days, seq = row
    lists = (tuple(loads(uses)), population, tuple(loads(developers)))
    return Release(model, version, digest, artefact, kind, output, tier, title, *lists, requested_by, days, seq=seq)


def _route(row: Sequence[Any]) -> Route:
    use, site, version, active, fallbacks, shadows, view, instead, seq = row
    behind, beside = (tuple(ref for ref in map(ref_in, loads(text)) if ref is not None) for text in (fallbacks, shadows))
    return Route(use, site, version, ref_in(loads(active)), behind, beside, view, instead, seq)
