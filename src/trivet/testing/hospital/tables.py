"""The tables that drive the hospital, as frozen rows. Every row of every table says where its figures come from.

Nothing clinical stands in code: prevalences, distributions, intervals, risks and rates are read from `tables/`.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from trivet.kernel import resources

__all__ = ["Allergy", "Condition", "Drug", "Insurer", "Lab", "Names", "Reason", "Tables", "Vital", "Ward", "load", "rows"]

_PACKAGE = "trivet.testing.hospital"


def rows(name: str, folder: str = "tables") -> list[dict[str, str]]:
    """The rows of a shipped CSV file, as text."""
    return list(csv.DictReader(io.StringIO(resources.text(_PACKAGE, folder, name))))


@dataclass(frozen=True, slots=True)
class Ward:
    """A place where people lie or wait; `kind` is ward, icu or ed."""

    site: str
    code: str
    name: str
    kind: str
    service: str
    beds: int
    occupancy: float
    spread: float
    patients_per_nurse: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A chronic condition: codes, points, and how likely it is (log odds at 60, per decade of age, per unit of frailty)."""

    key: str
    display: str
    icd10: str
    snomed: str
    charlson: int
    lace: int
    log_odds: float
    per_decade: float
    per_frailty: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is admitted; `needs` makes it `per_condition` times as likely. Shifts are on the log-odds scale."""

    key: str
    display: str
    icd10: str
    service: str
    weight: float
    planned: bool
    per_condition: float
    needs: str
    los_median: float
    los_sigma: float
    severity: float
    readmission: float
    deterioration: float
    charge_per_day: float


@dataclass(frozen=True, slots=True)
class Lab:
    """A laboratory test as laboratory A (SMH) and laboratory B (NGH) name and write it; values are in A's unit."""

    key: str
    display: str
    loinc: str
    loinc_name: str
    panel: str
    a_code: str
    a_loinc: bool
    a_unit: str
    a_decimals: int
    b_code: str
    b_unit: str
    b_factor: float
    b_decimals: int
    mean: float
    between: float
    within: float
    per_acuity: float
    per_frailty: float
    floor: float
    ceiling: float
    low: float
    high: float
    low_f: float
    high_f: float


@dataclass(frozen=True, slots=True)
class Vital:
    """A vital sign as the monitoring gateway sends it."""

    key: str
    display: str
    loinc: str
    loinc_name: str
    code: str
    unit: str
    decimals: int
    mean: float
    between: float
    noise: float
    per_acuity: float
    floor: float
    ceiling: float


@dataclass(frozen=True, slots=True)
class Drug:
    """A medicine, and the share of persons with `condition` who take it."""

    display: str
    rxnorm: str
    condition: str
    share: float
    sig: str


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy and its reaction, SNOMED CT codes."""

    display: str
    snomed: str
    substance: str
    substance_snomed: str
    share: float
    reaction: str
    reaction_snomed: str


@dataclass(frozen=True, slots=True)
class Insurer:
    """Who pays: `allowed` is the share of the charge that is agreed, `denied` the share of claims refused."""

    key: str
    name: str
    payer_id: str
    financial_class: str
    filing: str
    share_young: float
    share_old: float
    allowed: float
    denied: float


@dataclass(frozen=True, slots=True)
class Names:
    """What people and streets are called. `given` and `male` pair a name with its short form ('' where there is none)."""

    female: tuple[tuple[str, str], ...]
    male: tuple[tuple[str, str], ...]
    surnames: tuple[str, ...]
    streets: tuple[str, ...]
    street_kinds: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    clinicians: tuple[tuple[str, str], ...]


Coefficients = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything, loaded once."""

    wards: tuple[Ward, ...]
    conditions: tuple[Condition, ...]
    reasons: tuple[Reason, ...]
    labs: tuple[Lab, ...]
    effects: Mapping[str, Mapping[str, float]]
    vitals: tuple[Vital, ...]
    drugs: tuple[Drug, ...]
    allergies: tuple[Allergy, ...]
    insurers: tuple[Insurer, ...]
    names: Names
    news2: Mapping[str, tuple[tuple[float, int], ...]]
    parameters: Mapping[str, Coefficients]
    faults: Mapping[str, Mapping[str, object]]


_READ: dict[str, Callable[[str], object]] = {"str": str, "int": int, "float": float, "bool": "yes".__eq__}


def _read(kind: Any, name: str) -> tuple[Any, ...]:
    """The rows of a table as `kind`: the columns that it has fields for, each by the type of its field."""
    columns = [(field.name, _READ[str(field.type)]) for field in fields(kind)]
    return tuple(kind(**{column: read(row[column]) for column, read in columns}) for row in rows(name))


def _effects() -> dict[str, dict[str, float]]:
    """Laboratory test -> condition, reason or sex -> how far it shifts the value, in laboratory A's unit."""
    effects: dict[str, dict[str, float]] = {}
    for row in rows("lab_effects.csv"):
        effects.setdefault(row["lab"], {})[row["because_of"]] = float(row["shift"])
    return effects


def _names() -> Names:
    kinds: dict[str, list[tuple[str, str]]] = {}
    for row in rows("names.csv"):
        kinds.setdefault(row["kind"], []).append((row["value"], row["other"]))
    return Names(
        female=tuple(kinds["female"]),
        male=tuple(kinds["male"]),
        surnames=tuple(value for value, _ in kinds["surname"]),
        streets=tuple(value for value, _ in kinds["street"]),
        street_kinds=tuple(value for value, _ in kinds["street_kind"]),
        cities=tuple(kinds["city"]),
        clinicians=tuple(kinds["clinician"]),
    )


def _news2() -> dict[str, tuple[tuple[float, int], ...]]:
    """Vital sign -> (upper limit of the band, points), in rising order; the last limit is infinite."""
    bands: dict[str, list[tuple[float, int]]] = {}
    for row in rows("news2.csv"):
        bands.setdefault(row["key"], []).append((float(row["to"] or "inf"), int(row["points"])))
    return {key: tuple(values) for key, values in bands.items()}


def _numbers(name: str) -> dict[str, Coefficients]:
    parsed = tomllib.loads(resources.text(_PACKAGE, "tables", name))
    return {key: {inner: float(value) for inner, value in table.items() if not isinstance(value, str)} for key, table in parsed.items()}


@cache
def load() -> Tables:
    """The shipped tables."""
    return Tables(
        wards=_read(Ward, "wards.csv"),
        conditions=_read(Condition, "conditions.csv"),
        reasons=_read(Reason, "reasons.csv"),
        labs=_read(Lab, "labs.csv"),
        effects=_effects(),
        vitals=_read(Vital, "vitals.csv"),
        drugs=_read(Drug, "drugs.csv"),
        allergies=_read(Allergy, "allergies.csv"),
        insurers=_read(Insurer, "insurers.csv"),
        names=_names(),
        news2=_news2(),
        parameters=_numbers("parameters.toml"),
        faults=tomllib.loads(resources.text(_PACKAGE, "tables", "faults.toml")),
    )
