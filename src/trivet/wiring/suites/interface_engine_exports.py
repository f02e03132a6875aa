"""Interface-engine exports that others wrote: every connector, rule, step, script and secret in them is found.

The oracle is independent of the reader: a plain walk over the same XML with the standard library's element tree, which counts by its own
simple rules and knows nothing of items, roles or lexers. Cases: `read/FILE`, and `count/FILE/WHAT` for each thing that is counted; and
`cut/FILE`: the same file broken off is quarantined with a place behind its last whole item.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from trivet.contracts.inventory import Inventory
from trivet.contracts.suite import SuiteResult
from trivet.integration.exports.mirth import read

__all__ = ["counts_of_walk", "run"]

SCRIPTS = {"script", "code", "preprocessingScript", "postprocessingScript", "deployScript", "undeployScript", "batchScript"}
WORD = re.compile(r"(?i)(password|passphrase|passwd|secret|token|apikey|credential)$")
LITERAL = re.compile(r"""(?i)[\w.]*(?:password|passphrase|passwd|pwd|secret|apikey|token)\w*["']?\s*[:=]\s*["'][^"'$]+["']""")


def counts_of_walk(raw: bytes) -> Counter[str]:
    """What a plain walk finds."""
    root = ElementTree.fromstring(raw)  # noqa: S314 (a suite's own file; the reader under test takes no entities)
    found: Counter[str] = Counter()
    for node in root.iter():
        found["source"] += node.tag == "sourceConnector"
        found["destination"] += sum(child.tag == "connector" for child in node) if node.tag == "destinationConnectors" else 0
        found["channel"] += node.tag == "channel"
        found["code template"] += node.tag == "codeTemplate"
        found["code template library"] += node.tag == "codeTemplateLibrary"
        text = (node.text or "").strip()
        if node.tag in SCRIPTS and text and not len(node):
            found["script"] += 1
            found["secret"] += sum(bool(LITERAL.search(line)) for line in text.splitlines())
        found["secret"] += bool(WORD.search(node.tag) and text and not text.startswith("${") and not len(node))
        if node.tag in ("filter", "transformer", "responseTransformer"):
            found["rule or step"] += sum(inner is not node and inner.find("sequenceNumber") is not None for inner in node.iter())
    return +found


def counts_of_reader(found: Inventory) -> Counter[str]:
    """The same out of our inventory."""
    told: Counter[str] = Counter()
    for one in found.interfaces:
        told[one.kind] += one.kind in ("channel", "code template", "code template library")
        told.update(end.role for end in one.connectors)
        told["rule or step"] += len(one.steps)
        told["script"] += len(one.scripts)
        told["secret"] += len({(finding.place, finding.line) for finding in one.findings if finding.kind == "secret"})
    return +told


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Exports by their path in the suite."""
    for path in sorted(folder.rglob("*.xml")):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def run(corpora: Path) -> SuiteResult:
    """The suite over `corpora/interface-engine-exports`."""
    result, totals, kinds, lines = SuiteResult("interface-engine-exports"), Counter[str](), Counter[str](), 0
    for name, raw in files(corpora / "interface-engine-exports"):
        found = read(raw)
        settle(result, f"read/{name}", "" if found.interfaces and not found.rejects else f"{found.rejects}")
        walked, told = counts_of_walk(raw), counts_of_reader(found)
        for what in sorted(walked.keys() | told.keys()):
            same = walked[what] == told[what]
            settle(result, f"count/{name}/{what}", "" if same else f"a plain walk finds {walked[what]}, the reader {told[what]}")
        cut = read(raw[: len(raw) * 2 // 3])
        placed = bool(cut.rejects) and cut.rejects[0].code == "E810" and 0 < cut.rejects[0].offset <= len(raw) * 2 // 3
        settle(result, f"cut/{name}", "" if placed else f"not quarantined with a place: {cut.rejects}")
        totals.update(told)
        kinds.update(finding.kind for one in found.interfaces for finding in one.findings)
        lines += sum(script.lines for one in found.interfaces for script in one.scripts)
    result.measures = {"found": dict(sorted(totals.items())), "lines of code": lines, "findings": dict(sorted(kinds.items()))}
    return result


def settle(result: SuiteResult, case: str, problem: str) -> None:
    """One case passed or failed."""
    if problem:
        result.failed[case] = problem
    else:
        result.passed.append(case)
