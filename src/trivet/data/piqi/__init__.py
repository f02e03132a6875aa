"""HL7's PIQI rubric over FHIR records: in, records with their source; out, one result per criterion, and scores by source.

Names, prerequisites and scoring are the framework's: score = passed / performed. A prerequisite that fails is a failure against its own
dimension; a condition that fails is neither; what a module cannot tell (no terminology at hand, no limits for a test) is a skip.
"""

from trivet.data.piqi.rubric import Criterion, Sam, read_rubric, sams
from trivet.data.piqi.score import Result, Scores, assess

__all__ = ["Criterion", "Result", "Sam", "Scores", "assess", "read_rubric", "sams"]
