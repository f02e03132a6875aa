"""Everything one decision rested on: what `explain`, `replay` and the dossier read months later.

Written to the vault as canonical JSON (RFC 8785) by the decide flow, before the ledger entry `decision` that commits to
its bytes. Numbers that replay compares are kept as bits. The entry carries, beside the commitment `record`:
notes `id` (the decision id), `use`, `mode`, `outcome`, `blob` (the vault address of this record); digests `model`,
`artefact`, `view`; refs: the position of the grant's or release's entry when there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.feature import Contribution, FeatureRow, FeatureValue
from trivet.contracts.prediction import ModelRef, Prediction, Withheld
from trivet.contracts.verdict import Permit, Refusal
from trivet.kernel.digest import canonical
from trivet.kernel.ieee754 import bits_of, float_of
from trivet.kernel.jsontext import loads

__all__ = ["Attempt", "DecisionRecord"]

VERSION = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model that was asked for, in order: why it might or might not run, and what came of it.

    `mode` is `active`, `fallback` or `shadow`; `came_of` is `scored`, `refused`, `rejected`, `failed` or `abstained`;
    `reason` a reason code when it did not score. `conditions` lists every gate condition: code -> `held` or `failed`.
    """

    model: ModelRef
    artefact_digest: str
    mode: str
    came_of: str
    reason: str = ""
    permit: Permit | None = None
    refusal: Refusal | None = None
    conditions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision. `instant` is the moment the question is about, `decided_at` the clock's when it was answered, `as_of`
    the ledger position up to which facts were known. `outcome` and `mode` are those of `Answer`.

    `model`, `artefact_digest` and `runtime` speak of the model whose prediction is the answer: `runtime` holds what must be
    the same for a bit-equal replay (runtime name and version, threads, CPU family, batch size). `features` is None only when
    no row could be made. `policy` holds digests of what else was in force (route, thresholds, maps). `caused_by` names the
    earlier decision that a counterfactual or a correction rests on.
    """

    decision_id: str
    use: str
    person: str
    instant: str
    decided_at: str
    as_of: int
    site: str
    role: str
    purpose: str
    outcome: str
    mode: str
    features: FeatureRow | None
    attempts: tuple[Attempt, ...]
    model: ModelRef | None = None
    artefact_digest: str = ""
    runtime: dict[str, str] = field(default_factory=dict)
    prediction: Prediction | None = None
    withheld: Withheld | None = None
    policy: dict[str, str] = field(default_factory=dict)
    caused_by: str = ""

    def to_json(self) -> bytes:
        """Canonical bytes: the same record gives the same bytes anywhere."""
        return canonical(
            {
                "v": VERSION,
                "decision_id": self.decision_id,
                "use": self.use,
                "person": self.person,
                "instant": self.instant,
                "decided_at": self.decided_at,
                "as_of": self.as_of,
                "site": self.site,
                "role": self.role,
                "purpose": self.purpose,
                "outcome": self.outcome,
                "mode": self.mode,
                "features": None if self.features is None else _row_out(self.features),
                "attempts": [_attempt_out(attempt) for attempt in self.attempts],
                "model": _model_out(self.model),
                "artefact_digest": self.artefact_digest,
                "runtime": self.runtime,
                "prediction": None if self.prediction is None else _prediction_out(self.prediction),
                "withheld": None
                if self.withheld is None
                else {"reason": self.withheld.reason, "failed": self.withheld.failed, "instead": self.withheld.instead},
                "policy": self.policy,
                "caused_by": self.caused_by,
            }
        )

    @staticmethod
    def from_json(data: bytes) -> DecisionRecord:
        """The record of `to_json`'s bytes. Raises ValueError for another version or a missing field."""
        held = loads(data)
        if not isinstance(held, dict) or held.get("v") != VERSION:
            raise ValueError("not a decision record of this version")
        try:
            return _record_in(held)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a decision record without {error}") from None


def _record_in(held: dict[str, Any]) -> DecisionRecord:
    withheld = held["withheld"]
    return DecisionRecord(
        decision_id=held["decision_id"],
        use=held["use"],
        person=held["person"],
        instant=held["instant"],
        decided_at=held["decided_at"],
        as_of=held["as_of"],
        site=held["site"],
        role=held["role"],
        purpose=held["purpose"],
        outcome=held["outcome"],
        mode=held["mode"],
        features=None if held["features"] is None else _row_in(held["features"]),
        attempts=tuple(_attempt_in(attempt) for attempt in held["attempts"]),
        model=_model_in(held["model"]),
        artefact_digest=held["artefact_digest"],
        runtime=held["runtime"],
        prediction=None if held["prediction"] is None else _prediction_in(held["prediction"]),
        withheld=None if withheld is None else Withheld(withheld["reason"], tuple(withheld["failed"]), withheld["instead"]),
        policy=held["policy"],
        caused_by=held["caused_by"],
    )


def _model_out(model: ModelRef | None) -> dict[str, str] | None:
    return None if model is None else {"name": model.name, "version": model.version, "digest": model.digest}


def _model_in(held: Mapping[str, str] | None) -> ModelRef | None:
    return None if held is None else ModelRef(held["name"], held["version"], held["digest"])


def _row_out(row: FeatureRow) -> dict[str, Any]:
    values = [
        {
            "name": value.name,
            "value": value.value,
            "bits": None if value.value is None else bits_of(value.value),
            "unit": value.unit,
            "from": [[fact.record, fact.version, fact.path] for fact in value.contributions],
            "absence": value.absence,
            "newest_at": value.newest_at,
        }
        for value in row.values
    ]
    head = {"person": row.person, "instant": row.instant, "as_of": row.as_of, "view": row.view, "view_digest": row.view_digest}
    return {**head, "values": values}


def _row_in(held: dict[str, Any]) -> FeatureRow:
    values = tuple(
        FeatureValue(
            value["name"],
            None if value["bits"] is None else float_of(value["bits"]),
            value["unit"],
            tuple(Contribution(record, version, path) for record, version, path in value["from"]),
            value["absence"],
            value["newest_at"],
        )
        for value in held["values"]
    )
    return FeatureRow(held["person"], held["instant"], held["as_of"], held["view"], held["view_digest"], values)


def _prediction_out(given: Prediction) -> dict[str, Any]:
    return {
        "model": _model_out(given.model),
        "value": given.value,
        "bits": given.bits,
        "label": given.label,
        "threshold": None if given.threshold is None else bits_of(given.threshold),
        "reasons": [[name, bits_of(weight), how] for name, weight, how in given.reasons],
        "missing": given.missing,
    }


def _prediction_in(held: dict[str, Any]) -> Prediction:
    model = _model_in(held["model"])
    if model is None:
        raise ValueError("a prediction without its model")
    return Prediction(
        model,
        float_of(held["bits"]),
        held["bits"],
        held["label"],
        None if held["threshold"] is None else float_of(held["threshold"]),
        tuple((name, float_of(bits), how) for name, bits, how in held["reasons"]),
        tuple(held["missing"]),
    )


def _attempt_out(attempt: Attempt) -> dict[str, Any]:
    permit, refusal = attempt.permit, attempt.refusal
    return {
        "model": _model_out(attempt.model),
        "artefact_digest": attempt.artefact_digest,
        "mode": attempt.mode,
        "came_of": attempt.came_of,
        "reason": attempt.reason,
        "permit": None if permit is None else {"grant": permit.grant, "seats": permit.seats, "expires_at": permit.expires_at},
        "refusal": None if refusal is None else {"failed": refusal.failed, "instead": refusal.instead},
        "conditions": attempt.conditions,
    }


def _attempt_in(held: dict[str, Any]) -> Attempt:
    model, permit, refusal = _model_in(held["model"]), held["permit"], held["refusal"]
    if model is None:
        raise ValueError("an attempt without its model")
    return Attempt(
        model,
        held["artefact_digest"],
        held["mode"],
        held["came_of"],
        held["reason"],
        None if permit is None else Permit(permit["grant"], permit["seats"], permit["expires_at"]),
        None if refusal is None else Refusal(tuple(refusal["failed"]), refusal["instead"]),
        held["conditions"],
    )
