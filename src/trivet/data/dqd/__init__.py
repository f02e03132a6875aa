"""OHDSI's DataQualityDashboard over any OMOP database: in, tables of checks and a database; out, measurements, judged afterwards.

`plan` says what is checked, `measure` counts, `judge` applies thresholds: another threshold needs no new run.
"""

from trivet.data.dqd.judge import Judged, judge, summary
from trivet.data.dqd.measure import Measured, measure, open_rows
from trivet.data.dqd.plan import Check, read_plan

__all__ = ["Check", "Judged", "Measured", "judge", "measure", "open_rows", "read_plan", "summary"]
