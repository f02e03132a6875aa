"""The numbers behind a link, read from `maps/identity/weights.toml` or a site's own. In, a text; out, bits for each level of each field."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from trivet.kernel.digest import sha256
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["FIELDS", "Weights", "read_weights", "shipped"]

FIELDS = {
    "family": ("exact", "part", "close", "fuzzy", "other"),
    "given": ("exact", "nickname", "close", "initial", "fuzzy", "other"),
    "middle": ("same", "other"),
    "suffix": ("same", "other"),
    "birth": ("exact", "swapped", "digit", "parts", "other"),
    "sex": ("same", "other"),
    "identifier": ("same", "close", "other"),
    "member": ("same", "other"),
    "telephone": ("same", "close", "other"),
    "address": ("same", "street", "place", "other"),
    "mail": ("same", "other"),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """`bits[field][level]`; `agreement[field]` is (m, u) of the exact level of a field whose terms differ in frequency."""

    digest: str
    bits: Mapping[str, Mapping[str, float]]
    agreement: Mapping[str, tuple[float, float]]
    persons: int
    term_weight: int
    certain: float
    probable: float
    possible: float
    block: int
    shared: int
    contact: float
    names: int
    members: int

    def prior(self, persons: int) -> float:
        """Bits against a pair of records picked by chance among so many persons."""
        return -math.log2(max(self.persons, persons))

    def exact(self, field: str, count: int, total: int) -> float:
        """Bits of an exact agreement on a term that `count` of `total` records bear: a rare name says more."""
        m, u = self.agreement[field]
        return math.log2(m / ((count + u * self.term_weight) / (total + self.term_weight)))


def read_weights(content: str, where: str) -> Weights:
    """Weights from TOML. Usage names what is missing or no probability."""
    try:
        data = tomllib.loads(content)
        bits = {
            field: {level: math.log2(data[field][level]["m"] / data[field][level]["u"]) for level in levels}
            for field, levels in FIELDS.items()
        }
        agreement = {field: (data[field]["exact"]["m"], data[field]["exact"]["u"]) for field in ("family", "given")}
        return Weights(
            digest=sha256(content.encode()),
            bits=bits,
            agreement=agreement,
            persons=int(data["prior"]["persons"]),
            term_weight=int(data["prior"]["term_weight"]),
            certain=float(data["grade"]["certain"]),
            probable=float(data["grade"]["probable"]),
            possible=float(data["grade"]["possible"]),
            block=int(data["limits"]["block"]),
            shared=int(data["limits"]["shared"]),
            names=int(data["limits"]["names"]),
            members=int(data["limits"]["members"]),
            contact=float(data["limits"]["contact"]),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        why = f"{type(error).__name__}: {error}"
        raise Usage("E270", "the weights of identity do not fit", where=where, why=why, help="docs/reference/identity.md") from None


@cache
def shipped() -> Weights:
    """The weights that ship."""
    return read_weights(text("trivet.maps", "identity", "weights.toml"), "maps/identity/weights.toml")
