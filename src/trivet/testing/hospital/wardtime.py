"""How full each ward is and how well staffed, shift by shift: the hospital around the sampled persons.

The sample is a sample: the census counts every bed, those of persons outside it too. So occupancy and staffing are
processes of their own (a level, a winter, a weekend, a slow wandering), the same whatever the number of persons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from trivet.testing.hospital.tables import Ward

__all__ = ["Shift", "WardTime"]


@dataclass(frozen=True, slots=True)
class Shift:
    """One ward, one shift: beds open, beds taken, nurses needed and nurses there."""

    beds: int
    taken: int
    needed: int
    present: int

    @property
    def occupancy(self) -> float:
        """Taken over open beds."""
        return self.taken / self.beds

    @property
    def shortfall(self) -> float:
        """Share of the needed nurses who are missing, never negative."""
        return max(0.0, 1.0 - self.present / self.needed)


class WardTime:
    """Two shifts a day (07:00 and 19:00 local) for every ward, from `first` (a local day number) on, made as far as asked."""

    def __init__(self, seed: int, wards: tuple[Ward, ...], first: int) -> None:
        self.first = first
        self._wards = {(ward.site, ward.code): ward for ward in wards}
        self._rng = {key: Random(f"{seed}/ward/{key[0]}/{key[1]}") for key in self._wards}
        self._made: dict[tuple[str, str], list[Shift]] = {key: [] for key in self._wards}
        self._state: dict[tuple[str, str], tuple[float, float]] = dict.fromkeys(self._wards, (0.0, 0.0))

    def shift(self, site: str, ward: str, day: int, night: bool) -> Shift:
        """The shift of a ward; days before the first count as the first."""
        key = (site, ward)
        index = 2 * max(0, day - self.first) + night
        made = self._made[key]
        while len(made) <= index:
            made.append(self._next(key, self.first + len(made) // 2, bool(len(made) % 2)))
        return made[index]

    def _next(self, key: tuple[str, str], day: int, night: bool) -> Shift:
        ward, rng = self._wards[key], self._rng[key]
        full, short = self._state[key]
        full = 0.93 * full + rng.gauss(0.0, 0.36)
        short = 0.85 * short + rng.gauss(0.0, 0.52)
        self._state[key] = (full, short)
        winter = 0.035 * math.cos(2 * math.pi * ((day % 365.25) - 20) / 365.25)
        weekend = -0.03 if (day + 3) % 7 >= 5 else 0.0
        taken = round(ward.beds * min(1.12, max(0.35, ward.occupancy + winter + weekend + ward.spread * full)))
        needed = max(1, round(taken / (ward.patients_per_nurse * (1.35 if night else 1.0))))
        missing = max(0.0, 0.05 + 0.09 * short + (0.04 if weekend else 0.0) + (0.03 if night else 0.0))
        return Shift(ward.beds, taken, needed, max(1, round(needed * (1.0 - missing) + 0.2)))
