"""Rule 5 of nothing-lost: a change of a mapping that covers less of the golden files than before fails here."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from trivet.contracts.profile import SourceProfile
from trivet.wiring.workshop import make_formats

ENDINGS = {".hl7": "hl7v2", ".edi": "x12", ".xml": "ccda", ".json": "fhir"}


def measured(root: Path) -> dict[str, dict[str, int]]:
    """Per golden file: source elements by what became of them."""
    formats, found = make_formats({}), {}
    for path in sorted((root / "tests/golden").rglob("*")):
        form = formats.get(ENDINGS.get(path.suffix, ""))
        if form is None or path.name == "coverage.json":
            continue
        profile, counts = SourceProfile("golden", zone="UTC", format=form.name), Counter[str]()
        for unit in form.split(path.read_bytes()):
            counts.update(element.disposition for element in form.translate(unit.raw, profile).elements)
        found[path.relative_to(root / "tests/golden").as_posix()] = dict(sorted(counts.items()))
    return found


def test_no_mapping_covers_less_than_before(root: Path) -> None:
    """Per golden file the share that is mapped, carried or dropped by a named rule is what `coverage.json` says, or more.

    After a change that covers more, write the new figures: `python tests/unit/wiring/test_golden_coverage.py`.
    """
    said = json.loads((root / "tests/golden/coverage.json").read_text())
    now = measured(root)
    assert set(said) <= set(now)
    for name, before in said.items():
        after = now[name]
        assert share(after) >= share(before), (name, before, after)
        assert after.get("rejected", 0) <= before.get("rejected", 0), (name, before, after)


def share(counts: dict[str, int]) -> float:
    """Elements that some rule speaks of, of all."""
    return 1 - (counts.get("uncovered", 0) + counts.get("rejected", 0)) / max(1, sum(counts.values()))


if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[3]
    (ROOT / "tests/golden/coverage.json").write_text(json.dumps(measured(ROOT), indent=1) + "\n")
