"""Model manifests: in, `manifest.yaml` of one version's folder; out, a frozen `Manifest` with its digest. Refused: anything unclear.

A manifest names every file by its SHA-256, every input with unit, range, age and what happens when it is missing, the view that
the inputs come from, who the model is for, and what stands in for it. Its digest (of its canonical JSON) is the model's identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.governance import Release
from trivet.contracts.prediction import ModelRef
from trivet.kernel import yamltext
from trivet.kernel.digest import digest
from trivet.kernel.errors import Fault

__all__ = ["Input", "Manifest", "read_manifest"]

KEYS = {
    "name", "version", "title", "kind", "tier", "uses", "population", "developers", "lifetime_days", "view", "inputs", "output",
    "thresholds", "runtime", "files", "golden", "safety", "evidence", "sources", "limits",
}  # fmt: skip
INPUT = {"name", "unit", "hard", "missing", "instead", "because", "max_age"}
MISSING = ("reject", "native", "instead")
HOURS = {"h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Input:
    """One number that the model takes. `missing`: `reject` the row, hand it over as missing (`native`), or take `instead`,
    with `because` as the reason that a person approved. `max_age` in seconds, 0 for any; `hard` the range outside of which
    a value is a mistake."""

    name: str
    unit: str
    hard: tuple[float, float]
    missing: str
    instead: float | None = None
    because: str = ""
    max_age: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of one model, as approved. `thresholds` by site, `*` for every other one."""

    name: str
    version: str
    title: str
    kind: str
    tier: str
    uses: tuple[str, ...]
    population: str
    view: str
    view_digest: str
    inputs: tuple[Input, ...]
    output: dict[str, Any]
    thresholds: dict[str, float]
    runtime: str
    files: dict[str, str]
    golden: str
    digest: str
    lifetime_days: int = 730
    developers: tuple[str, ...] = ()
    safety: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ref(self) -> ModelRef:
        """The name by which the other rooms know it."""
        return ModelRef(self.name, self.version, self.digest)

    @property
    def artefact(self) -> str:
        """Digest over all its files: what a grant is bound to."""
        return digest(self.files)

    def threshold(self, site: str) -> float | None:
        """Where the model's output begins to matter at a site."""
        return self.thresholds.get(site, self.thresholds.get("*"))

    def release(self, requested_by: str) -> Release:
        """The same as governance registers it."""
        return Release(
            model=self.name,
            version=self.version,
            digest=self.digest,
            artefact=self.artefact,
            kind=self.kind,
            output=self.output["kind"],
            tier=self.tier,
            title=self.title,
            uses=self.uses,
            population=self.population,
            developers=self.developers,
            requested_by=requested_by,
            lifetime_days=self.lifetime_days,
        )


def read_manifest(data: bytes, where: str = "") -> Manifest:
    """The manifest in these bytes. Fault E401, naming the key, for anything that is missing, unknown or makes no sense."""
    try:
        held = yamltext.loads(data)
    except yamltext.BadYaml as error:
        raise Fault("E401", "a model manifest is not YAML", where=where, why=str(error).split("\n")[0]) from None
    if not isinstance(held, dict) or set(held) - KEYS:
        unknown = sorted(set(held) - KEYS) if isinstance(held, dict) else []
        raise Fault("E401", "unknown keys in a model manifest", where=where, why=", ".join(unknown))
    try:
        return _made(held)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Fault("E401", "a model manifest does not fit", where=where, why=f"{type(error).__name__}: {error}") from None


def _made(held: dict[str, Any]) -> Manifest:
    output = dict(held["output"])
    if output["kind"] not in ("probability", "score") or not output["meaning"]:
        raise ValueError("output needs a kind (probability or score) and a meaning")
    inputs = tuple(_input(row) for row in held["inputs"])
    if len({one.name for one in inputs}) < len(inputs):
        raise ValueError("an input stands twice")
    files = {str(name): str(sha) for name, sha in held["files"].items()}
    if held["golden"] not in files:
        raise ValueError("the golden rows are none of its files")
    return Manifest(
        name=held["name"],
        version=str(held["version"]),
        title=held["title"],
        kind=held["kind"],
        tier=held["tier"],
        uses=tuple(held["uses"]),
        population=held["population"],
        view=held["view"]["name"],
        view_digest=held["view"].get("digest", ""),
        inputs=inputs,
        output=output,
        thresholds={str(site): float(value) for site, value in held["thresholds"].items()},
        runtime=held["runtime"],
        files=files,
        golden=held["golden"],
        digest=digest(held),
        lifetime_days=int(held.get("lifetime_days", 730)),
        developers=tuple(held.get("developers", ())),
        safety=dict(held["safety"]),
        plain=held,
    )


def _input(row: Mapping[str, Any]) -> Input:
    if set(row) - INPUT or row["missing"] not in MISSING:
        raise ValueError(f"input {row['name']} has a key or a rule for missing values that nobody defined")
    low, high = (float(bound) for bound in row["hard"])
    if row["missing"] == "instead" and not (row["because"] and low <= float(row["instead"]) <= high):
        raise ValueError(f"input {row['name']} takes a value instead of a missing one, without a reason or outside its range")
    age = str(row.get("max_age", "0h"))
    instead = float(row["instead"]) if row["missing"] == "instead" else None
    return Input(row["name"], row["unit"], (low, high), row["missing"], instead, row.get("because", ""), int(age[:-1]) * HOURS[age[-1]])
