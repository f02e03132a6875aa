"""FHIR R4 judged: structure, values, codes, references and invariants, from the tables of `maps/fhir`.

In: a resource, as bytes or decoded. Out: `Finding`s, each with severity, rule, FHIRPath, words and bytes. Refused: nothing; garbage is
a finding too. The one validator of the house: for what comes in, for what the converters make, for what goes out.
"""

from trivet.integration.validation.check import Options
from trivet.integration.validation.finding import Finding
from trivet.integration.validation.validator import Validator

__all__ = ["Finding", "Options", "Validator"]
