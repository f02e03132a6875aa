"""The registry of formats and `trivet translate` over files, with a small format of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.contracts.envelope import Piece, Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Record, Span, Translation
from trivet.integration.translate import places
from trivet.kernel.errors import NotFound, Rejected, Usage
from trivet.wiring import formats
from trivet.wiring.translate import read_profile, translate_paths


class Words:
    """One unit per line after a shared first line; every word is an element: `x...` is uncovered, `!...` is rejected."""

    name = "words"

    def sniff(self, head: bytes, filename: str) -> bool:
        """Files that say so."""
        return head.startswith(b"words ")

    def split(self, raw: bytes) -> Iterator[Unit]:
        """Line by line, the first line in front of each."""
        head, start = raw.index(b"\n") + 1, raw.index(b"\n") + 1
        for line in raw[head:].splitlines(keepends=True):
            yield Unit(raw[:head] + line, (Piece(0, head), Piece(start, len(line))), head)
            start += len(line)

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """A Basic record with one extension per word."""
        elements, spans, words, rejects, at = [], [], [], [], 0
        for place, word in enumerate(raw.split()):
            at = raw.index(word, at)
            kind = {b"x": "uncovered", b"!": "rejected"}.get(word[:1], "mapped")
            elements.append(Element(f"w[{place}]", at, len(word), kind, "words/1"))
            if kind == "mapped":
                spans.append(Span(f"extension[{len(words)}].valueString", at, len(word), f"w[{place}]", "words/1"))
                words.append({"url": "urn:word", "valueString": word.decode()})
            if kind == "rejected":
                rejects.append(Rejected("word-bad", "a bad word", f"w[{place}]", at, len(word)))
            at += len(word)
        record = Record({"resourceType": "Basic", "id": f"{profile.source}-{len(raw)}", "extension": words}, tuple(spans))
        return Translation((record,), tuple(elements), tuple(rejects))

    def write(self, raw: bytes) -> bytes:
        """As it came."""
        return raw


def lines(path: Path) -> list[dict[str, object]]:
    """NDJSON as a list."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lineage_points_into_the_file_not_into_the_unit(tmp_path: Path) -> None:
    """Every span that is written re-reads, from the file itself, to the value in the record."""
    file = tmp_path / "a.txt"
    file.write_bytes(b"words here\nalpha beta\ngamma xdelta\n")
    translate_paths([file], tmp_path / "out", SourceProfile("s"), formats={"words": Words()})
    raw, records = file.read_bytes(), {row["id"]: row for row in lines(tmp_path / "out/records.ndjson")}
    seen = 0
    for span in lines(tmp_path / "out/lineage.ndjson"):
        place = int(str(span["path"]).split("[")[1].split("]")[0])
        value = records[span["id"]]["extension"][place]["valueString"]  # type: ignore[index]
        assert raw[span["offset"] : span["offset"] + span["length"]].decode() == value  # type: ignore[operator, misc]
        seen += 1
    assert seen == 7


def test_shared_context_is_counted_once_and_sums_reconcile(tmp_path: Path) -> None:
    """Words of the first line stand in every unit but count once; totals are the sum of the inputs."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(b"words here\nalpha beta\ngamma xdelta\n")
    (tmp_path / "in/b").write_bytes(b"words xhere\nalpha xbeta\nxgamma !delta\n")
    translate_paths([tmp_path / "in"], tmp_path / "out", SourceProfile("s"), formats={"words": Words()})
    coverage = json.loads((tmp_path / "out/coverage.json").read_text())
    first, second = coverage["inputs"]
    assert first["elements"] == {"total": 6, "mapped": 5, "carried": 0, "dropped": 0, "uncovered": 1, "rejected": 0}
    assert second["elements"]["total"] == 6
    assert sum(row["count"] for row in second["uncovered"]) == second["elements"]["uncovered"] == 3
    assert coverage["total"]["elements"]["total"] == 12
    assert coverage["total"]["partial"] == 1


def test_unknown_empty_and_unreadable_files_are_rejects_and_the_rest_is_done(tmp_path: Path) -> None:
    """A file nobody recognises, an empty one and a dangling link are said, each with its reason."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(b"words here\nalpha\n")
    (tmp_path / "in/b").write_bytes(b"\x00\x01 nothing known")
    (tmp_path / "in/c").write_bytes(b"")
    (tmp_path / "in/d").symlink_to(tmp_path / "gone")
    total = translate_paths([tmp_path / "in"], tmp_path / "out", SourceProfile("s"), formats={"words": Words()})
    assert [row["code"] for row in lines(tmp_path / "out/rejects.ndjson")] == ["unknown-format", "empty-file", "unreadable"]
    assert total.rejects == 3
    assert sum(total.records.values()) == 1


def test_a_misspelt_profile_key_is_refused(tmp_path: Path) -> None:
    """A key that nobody knows is an error, not a setting without effect."""
    (tmp_path / "p.toml").write_text('souce = "lab"\n')
    with pytest.raises(Usage, match="souce"):
        read_profile(tmp_path / "p.toml", "", "auto")


def test_the_command_line_goes_before_the_profile(tmp_path: Path) -> None:
    """`--source` and `--format` win; a maps folder is relative to the profile."""
    (tmp_path / "p.toml").write_text('source = "lab"\nzone = "America/Chicago"\n[options]\nmaps_dir = "maps"\n')
    profile = read_profile(tmp_path / "p.toml", "ehr", "csv")
    assert (profile.source, profile.format, profile.zone) == ("ehr", "csv", "America/Chicago")
    assert profile.options["maps_dir"] == str(tmp_path / "maps")


def test_an_unknown_format_names_the_known_ones() -> None:
    """NotFound says what there is."""
    with pytest.raises(NotFound, match="no format called edifact"):
        formats.get(formats.load(), "edifact")


@given(st.lists(st.integers(0, 5), max_size=8), st.data())
def test_places_are_those_of_the_unit(lengths: list[int], data: st.DataObject) -> None:
    """The quick way from a unit to its file agrees with `Unit.at` for every position inside."""
    pieces, offset = [], 0
    for length in lengths:
        offset += data.draw(st.integers(0, 9))
        pieces.append(Piece(offset, length))
        offset += length
    unit = Unit(bytes(sum(lengths)), tuple(pieces))
    at = places(unit)
    assert [at(position) for position in range(sum(lengths))] == [unit.at(position) for position in range(sum(lengths))]
