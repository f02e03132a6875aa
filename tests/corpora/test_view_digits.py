"""Every decimal and every date of every FHIR fixture survives every engine, character for character."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from trivet.kernel.errors import Fault, Usage
from trivet.wiring.engines import open_engine

NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)')
MOMENT = re.compile(r'"(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?)"')
COLUMNS = [{"name": "v", "path": "value.ofType(Quantity).value"}, {"name": "at", "path": "effective.ofType(dateTime)"}]
VIEW = {"resource": "Observation", "select": [{"column": COLUMNS}]}


@pytest.fixture(scope="module")
def lexemes(corpora: Path, root: Path) -> tuple[list[str], list[str]]:
    """All numbers outside quotation marks and all texts that are a date or a moment, once each."""
    numbers, moments = set[str](), set[str]()
    for folder in (corpora, root / "tests" / "golden"):
        for path in sorted(one for one in folder.rglob("*") if one.suffix in (".json", ".ndjson") and one.is_file()):
            text = path.read_text(encoding="utf-8", errors="replace")
            if '"resourceType"' in text:
                numbers |= {found.group(1) for found in NUMBER.finditer(text) if found.group(1)}
                moments |= set(MOMENT.findall(text))
    return sorted(numbers), sorted(moments)


@pytest.mark.corpora
@pytest.mark.parametrize("name", ["duckdb", "reference", pytest.param("spark", marks=pytest.mark.long)])
def test_every_lexeme_comes_back(name: str, lexemes: tuple[list[str], list[str]]) -> None:
    """What is read is what stood there."""
    numbers, moments = lexemes
    assert len(numbers) > 500
    texts = [f'{{"resourceType":"Observation","valueQuantity":{{"value":{number}}}}}' for number in numbers]
    texts += [f'{{"resourceType":"Observation","effectiveDateTime":"{moment}"}}' for moment in moments]
    engine = open_engine(name)
    try:
        engine.records("records", table=pa.table({"raw": texts}))
    except (Fault, Usage) as error:
        pytest.skip(f"{error.what}: {error.help}")
    table = engine.view(VIEW)
    engine.close()
    assert sorted(value for value in table["v"].to_pylist() if value is not None) == numbers
    assert sorted(value for value in table["at"].to_pylist() if value is not None) == moments
