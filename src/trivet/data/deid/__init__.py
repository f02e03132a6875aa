"""De-identification of FHIR resources by a table of rules; denies by default where the table says so."""

from trivet.data.deid.engine import Deidentifier, Outcome
from trivet.data.deid.risk import Exposure
from trivet.data.deid.rules import Rule, RuleSet, policies, read_rules, shipped

__all__ = ["Deidentifier", "Exposure", "Outcome", "Rule", "RuleSet", "policies", "read_rules", "shipped"]
