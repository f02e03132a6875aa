"""Code maps: HL7 v2 tables to FHIR codes, one CSV file each in `maps/hl7v2/codes/`, named `<table>_<Name>.csv`."""

from __future__ import annotations

from typing import NamedTuple

from trivet.integration.overlay import in_force, per_overlay
from trivet.integration.tables import table
from trivet.kernel import resources
from trivet.kernel.errors import Fault

__all__ = ["CodeMap", "Mapped", "code_map"]


class Mapped(NamedTuple):
    """What a source code becomes. `system` and `display` may be empty."""

    system: str
    code: str
    display: str


class CodeMap(NamedTuple):
    """One map: the HL7 table it starts from and its rows by source code."""

    table: str
    rows: dict[str, Mapped]

    @property
    def system(self) -> str:
        """The URI of the HL7 table."""
        return f"http://terminology.hl7.org/CodeSystem/v2-{self.table}"


@per_overlay
def code_map(name: str) -> CodeMap:
    """The code map of that name. Raises Fault for an unknown one."""
    site = in_force()
    own = [path.rpartition("/")[2] for path in site.rows if path.startswith("hl7v2/codes/")] if site is not None else []
    for file in (*resources.listing("trivet.maps", "hl7v2/codes", ".csv"), *own):
        number, _, stem = file[:-4].partition("_")
        if stem == name:
            rows = table(f"hl7v2/codes/{file}", "source", "system", "code", "display")
            return CodeMap(number, {row["source"]: Mapped(row["system"], row["code"], row["display"]) for row in rows})
    raise Fault("E212", "a mapping table names a code map that is not there", where=name)
