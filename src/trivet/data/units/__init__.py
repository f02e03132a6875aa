"""Units: UCUM with exact fractions, spellings that sites use, and mass-to-mole by analyte. In, texts and numbers; out, exact numbers."""

from __future__ import annotations

from trivet.data.units.aliases import Aliases
from trivet.data.units.molar import convert_of
from trivet.kernel.units import BadUnit, Unit, convert, decimal, display, parse

__all__ = ["Aliases", "BadUnit", "Unit", "convert", "convert_of", "decimal", "display", "parse"]
