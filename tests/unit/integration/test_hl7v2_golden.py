"""One small delivery per family of messages, with everything it says written out: a change of any table shows here as a line.

`python tests/unit/integration/test_hl7v2_golden.py` writes the expectations again; read the difference before it is kept.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hl7v2_rows import comes_from, leaves_of
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.integration.formats.hl7v2.plan import plan_for
from trivet.integration.formats.hl7v2.segments import segment_map
from trivet.kernel import jsontext
from trivet.testing.kits.format import FormatKit

FOLDER = Path(__file__).parents[2] / "golden/hl7v2"
FILES = sorted(FOLDER.glob("*.hl7"))
PROFILE = SourceProfile("golden", zone="America/Los_Angeles", system="https://north.example")
FORM = Hl7v2Format()
MAPS = Path(__file__).parents[3] / "src/trivet/maps/hl7v2"


def said(told: Translation) -> list[str]:
    """What a unit says, a line each: records, rejects, notices, and elements that nothing reads."""
    lines = [jsontext.dumps(record.resource).decode() for record in told.records]
    lines += [f"rejected {reject.code} {reject.locator}: {reject.reason}" for reject in told.rejects]
    lines += [f"noticed {notice.kind} {notice.locator} {notice.system} {notice.code}".rstrip() for notice in told.notices]
    lines += [f"uncovered {element.locator}" for element in told.elements if element.disposition == "uncovered"]
    return lines or [f"ignored {told.ignored}"]


def told(path: Path) -> str:
    """What a delivery says."""
    units = [FORM.translate(unit.raw, PROFILE) for unit in FORM.split(path.read_bytes())]
    return "\n\n".join("\n".join(said(unit)) for unit in units) + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_family_says_what_is_written_down(path: Path) -> None:
    """Records, rejects, notices and uncovered elements, to the letter; and the kit's checks over the same bytes."""
    assert told(path).splitlines() == path.with_suffix(".said").read_text(encoding="utf-8").splitlines()
    FormatKit(FORM, PROFILE, related=comes_from(), leaves=leaves_of("|^~\\&")).check(path.read_bytes())


def test_line_ends_do_not_matter() -> None:
    """The same records whether segments end with CR, LF or CRLF."""
    for path in FILES:
        raw = path.read_bytes()
        one, two, three = (
            [record.resource for unit in FORM.split(text) for record in FORM.translate(unit.raw, PROFILE).records]
            for text in (raw, raw.replace(b"\n", b"\r"), raw.replace(b"\n", b"\r\n"))
        )
        assert one == two == three


def test_every_table_compiles() -> None:
    """No table names a code map, data type, target or place that is not there, and every map and table is used."""
    used: set[str] = set()
    with (MAPS / "messages.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            used.update(row["map"].split())
            for kind in row["messages"].split():
                plan_for(*[*kind.split("^"), ""][:2])
    files = {path.stem for path in (MAPS / "segments").glob("*.csv")}
    assert files == used
    for name in sorted(files):
        assert segment_map(name).fans
    text = "".join(path.read_text(encoding="utf-8") for folder in ("segments", "datatypes") for path in (MAPS / folder).glob("*.csv"))
    code = "".join(path.read_text(encoding="utf-8") for path in (MAPS.parents[1] / "integration/formats/hl7v2").glob("*.py"))
    for folder in ("codes", "datatypes"):
        names = [path.stem.partition("_")[2] if folder == "codes" else path.stem for path in (MAPS / folder).glob("*.csv")]
        assert [name for name, count in Counter(names).items() if count > 1] == []
        assert [name for name in names if name not in text + code] == [], "tables that nothing uses"


def at(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Resources of a type."""
    return [resource for resource in resources if resource["resourceType"] == kind]


def test_an_unknown_value_type_is_kept_as_text() -> None:
    """A type of OBX-5 that HL7 does not have: the words are kept."""
    raw = (FOLDER / "oru.hl7").read_bytes()
    first = next(iter(FORM.split(raw)))
    results = at([record.resource for record in FORM.translate(first.raw, PROFILE).records], "Observation")
    assert results[-1]["code"]["coding"][0]["display"] == "Unknown kind"
    assert results[-1]["valueString"] == "abc def"


if __name__ == "__main__":
    for path in FILES:
        path.with_suffix(".said").write_text(told(path), encoding="utf-8")
