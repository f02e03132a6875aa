"""Tables of persons as files: whatever letters they are written in, and what is no table says so."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from trivet.kernel.errors import Usage
from trivet.wiring.linking import deduplicate_file, link_files

PEOPLE = "prénom;nom;date de naissance\nZoé;Haas;17.04.1961\nLiam;Keller;25.12.1970\nZoe;Haas;17.04.1961\n"


@pytest.mark.parametrize("letters", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_the_same_table_in_other_letters_is_the_same(tmp_path: Path, letters: str) -> None:
    """Marks at the beginning and old letters change no answer."""
    (tmp_path / "in.csv").write_bytes(PEOPLE.encode(letters))
    answer = deduplicate_file(tmp_path / "in.csv", {}, tmp_path / "out.csv")
    assert (answer["rows"], answer["fields"]) == (3, ["given", "family", "birth"])
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["row"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["cluster"] == rows[2]["cluster"] != rows[1]["cluster"]


@pytest.mark.parametrize("raw", [b"PK\x03\x04rest", b"\x1f\x8b\x08rest", b"first,last\n\x00\x01"])
def test_what_is_no_text_says_so(tmp_path: Path, raw: bytes) -> None:
    """A spreadsheet or an archive is refused with what to do, before a byte of it is taken for a name."""
    (tmp_path / "in.csv").write_bytes(raw)
    with pytest.raises(Usage) as refused:
        deduplicate_file(tmp_path / "in.csv", {}, tmp_path / "out.csv")
    assert refused.value.code == "E293"
    assert "CSV" in refused.value.help


def test_a_column_named_by_hand_need_stand_in_one_of_two_tables_only(tmp_path: Path) -> None:
    """`--map` speaks of the table that has the column; the other is recognised by its own headers; a column of neither is refused."""
    (tmp_path / "a.csv").write_text("c1,c2,dob\nAnna,Haas,1961-04-17\nLiam,Keller,1970-12-25\n")
    (tmp_path / "b.csv").write_text("Last Name,First Name,Date of Birth\nKeller,Liam,12/25/1970\nHaas,Anna,04/17/1961\n")
    answer = link_files(tmp_path / "a.csv", tmp_path / "b.csv", {"given": "c1", "family": "c2"}, tmp_path / "out.csv")
    assert answer["fields"] == ["given", "family", "birth"]
    assert [row["against_row"] for row in csv.DictReader((tmp_path / "out.csv").open())] == ["1", "0"]
    with pytest.raises(Usage) as refused:
        link_files(tmp_path / "a.csv", tmp_path / "b.csv", {"given": "c9"}, tmp_path / "out.csv")
    assert refused.value.code == "E296"
