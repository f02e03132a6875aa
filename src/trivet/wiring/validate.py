"""Files judged as FHIR R4: the validator over files, folders and lines.

In: paths. Out: a summary with every finding and the place in its file. A file that cannot be read or holds nothing is a finding too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trivet.integration.validation import Finding, Options, Validator
from trivet.wiring.translate import walk

__all__ = ["Report", "house_validator", "validate_paths"]

LINES = (".ndjson", ".jsonl")
SAMPLE = 1 << 16
BOM = b"\xef\xbb\xbf"


def house_validator() -> Validator:
    """The validator as the house asks it: what FHIR R4 says, and no more."""
    return Validator()


@dataclass(slots=True)
class Report:
    """What was found. `findings` holds at most `most` rows, errors before the rest of each resource; the counts hold all."""

    most: int = 10_000
    files: int = 0
    resources: int = 0
    refused: int = 0
    errors: int = 0
    warnings: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0

    def take(self, name: str, found: list[Finding], base: int = 0, line: int = 0) -> None:
        """One resource; `base` is where its text begins in the file, `line` its number in a file of lines."""
        self.resources += 1
        self.refused += any(one.is_error for one in found)
        for one in sorted(found, key=lambda row: not row.is_error):
            self.errors += one.is_error
            self.warnings += one.severity == "warning"
            self.rules[f"{one.severity} {one.rule}"] += 1
            if len(self.findings) >= self.most:
                self.left_out += 1
                continue
            row = one.as_dict()
            if one.offset >= 0:
                row["offset"] += base
            self.findings.append({"input": name, **({"line": line} if line else {}), **row})

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        counts = {
            "files": self.files,
            "resources": self.resources,
            "refused": self.refused,
            "errors": self.errors,
            "warnings": self.warnings,
        }
        return {**counts, "rules": dict(self.rules.most_common()), "findings": self.findings, "left_out": self.left_out}


def lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and text of every line that holds something."""
    at = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(BOM) if number == 1 else line
            if text.strip():
                yield number, at + len(line) - len(text), text
            at += len(line)


def _by_lines(path: Path) -> bool:
    """Whether a file holds one resource a line: by its name, or by two first lines that are each an object."""
    if path.suffix.lower() in LINES:
        return True
    with path.open("rb") as file:
        first = [line.strip() for line in file.read(SAMPLE).removeprefix(BOM).split(b"\n")[:2]]
    return len(first) == 2 and all(line.startswith(b"{") and line.endswith(b"}") for line in first)


def validate_paths(
    paths: Iterable[Path], most: int = 10_000, *, known_extensions: bool = False, strict: bool = False, examples: bool = True
) -> Report:
    """Judge files and folders. The options are those of `integration.validation.Options`; `most` findings are listed, all are counted."""
    judge, report = Validator(Options(known_extensions=known_extensions, strict=strict, examples=examples)), Report(most)
    for path in walk(paths):
        report.files += 1
        name = path.as_posix()
        try:
            if path.stat().st_size == 0:
                report.take(name, [Finding("fatal", "json", "json-syntax", "", "the file is empty", "", 0, 0)])
            elif _by_lines(path):
                for number, at, text in lines(path):
                    report.take(name, judge.text(text), at, number)
            else:
                report.take(name, judge.text(path.read_bytes()))
        except OSError as error:
            report.take(name, [Finding("fatal", "json", "unreadable", "", error.strerror or type(error).__name__)])
    return report
