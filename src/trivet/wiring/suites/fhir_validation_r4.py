"""FHIR R4 resources, good and bad, with what the reference validator says of each: refused where it refuses, and nowhere else.

A case that the reference refuses passes when we refuse it at one of the elements that it names (a text that cannot be read at all has
no element: there both must call it fatal). A case that it accepts passes when we find no error. What the reference was told for a
case (no unknown extensions as a rule, no examples, contained resources not judged) ours is told too. `measures` counts elements as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.integration.validation import Finding, Options, Validator
from trivet.kernel.jsontext import loads

__all__ = ["BAR", "run"]

SUITE = "fhir-validation-r4"
BAR = 0.65
BESIDE = re.compile(r"/\*.*?\*/")  # the reference writes the type and id of a resource into the way to it


def cases(folder: Path) -> Iterator[tuple[str, dict[str, Any], bytes, list[dict[str, Any]]]]:
    """Name, manifest row, text, and issues of the reference; R4 cases whose text and outcome are both there."""
    seen: set[str] = set()
    for row in loads((folder / "manifest.json").read_bytes())["test-cases"]:
        outcome = folder / "outcomes" / row["java"] if isinstance(row.get("java"), str) else folder / "none"
        file = folder / row["file"]
        if not str(row.get("version", "")).startswith("4.0") or file.suffix != ".json" or not file.is_file() or not outcome.is_file():
            continue
        name = row["name"] if row["name"] not in seen else f"{row['name']}#{row['file']}"
        seen.add(row["name"])
        yield name, row, file.read_bytes(), loads(outcome.read_bytes()).get("issue", [])


def options(row: dict[str, Any]) -> Options:
    """What the reference was told."""
    return Options(
        known_extensions=True,
        strict=True,
        comments=row.get("allow-comments") is True,
        markup=row.get("security-checks") is True,
        examples=row.get("examples") is not False,
        contained=row.get("validateContains") != "IGNORE",
    )


def element(issue: dict[str, Any]) -> str:
    """Where the reference found something; empty for the text as a whole."""
    return BESIDE.sub("", (issue.get("expression") or [""])[0])


def same(wanted: str, found: list[Finding]) -> bool:
    """Whether one of our errors is at the element."""
    return any(one.severity == "fatal" if not wanted else one.expression == wanted for one in found if one.is_error)


def run(corpora: Path) -> SuiteResult:
    """Every case, and how many elements both name."""
    result = SuiteResult(SUITE)
    count = {
        "refused_by_reference": 0,
        "refused_here": 0,
        "refused_at_the_same_element": 0,
        "elements": 0,
        "same_elements": 0,
        "false_refusals": 0,
    }
    missed: list[dict[str, str]] = []
    for name, row, raw, issues in cases(corpora / SUITE / "validator"):
        found = Validator(options(row)).text(raw)
        errors = [one for one in found if one.is_error]
        wanted = [element(issue) for issue in issues if issue["severity"] in ("error", "fatal")]
        if not wanted:
            count["false_refusals"] += bool(errors)
            if errors:
                result.failed[name] = f"refused though the reference accepts it: {errors[0].expression} {errors[0].rule}"
            else:
                result.passed.append(name)
            continue
        hits = [same(one, found) for one in wanted]
        count["refused_by_reference"] += 1
        count["refused_here"] += bool(errors)
        count["refused_at_the_same_element"] += any(hits)
        count["elements"] += len(hits)
        count["same_elements"] += sum(hits)
        missed += [{"case": name, "element": one} for one, hit in zip(wanted, hits, strict=True) if not hit]
        if any(hits):
            result.passed.append(name)
        else:
            result.failed[name] = f"the reference refuses {wanted[0] or 'the text'}" + (
                f"; ours refuses {errors[0].expression}" if errors else ""
            )
    share = count["refused_at_the_same_element"] / max(count["refused_by_reference"], 1)
    result.measures = {**count, "share": round(share, 4), "bar": BAR, "missed_elements": missed}
    return result
