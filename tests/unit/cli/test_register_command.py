"""`trivet register` as people call it: a folder before there is a home, an export, a feed by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feed import MARK, message
from trivet.cli.main import main


def trivet(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard output of one command."""
    code = 0
    try:
        main(list(words))
    except SystemExit as done:
        code = int(done.code or 0)
    return code, capsys.readouterr().out


@pytest.fixture
def extracts(tmp_path: Path) -> Path:
    """A folder of extracts: messages in two files, a table nobody has a map for, an export of an engine, and something unknown."""
    folder = tmp_path / "extracts"
    folder.mkdir()
    (folder / "a.hl7").write_bytes(b"".join(message(number) for number in range(6)))
    (folder / "b.hl7").write_bytes(b"".join(message(number) for number in range(6, 9)))
    rows = "".join(f"{number},{MARK},F,WARD-A\n" for number in range(4))
    (folder / f"{MARK}.csv").write_text("id,surname,sex,ward\n" + rows)
    (folder / "c.xml").write_text('<channel version="4.5.2"><id>1</id><name>Lab in</name><description>x</description></channel>')
    (folder / "d.bin").write_bytes(b"\x00\x01")
    return folder


def test_a_folder_is_documented_before_there_is_a_home(extracts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Feeds, columns without a map, an engine's export and unknown files, as Markdown and JSON; no mark, no file's name."""
    code, out = trivet(capsys, "register", "scan", str(extracts), "--json")
    found = json.loads(out)
    assert code == 0
    assert {feed["feed"]: (feed["files"], feed["units"]) for feed in found["feeds"]} == {"hl7v2 1": (2, 9), "csv 1": (1, 4)}
    columns = next(feed for feed in found["feeds"] if feed["format"] == "csv")["register"]["fields"]
    assert {field["field"]: field["values"] and [row["value"] for row in field["values"]["shown"]] for field in columns} == {
        "row/id": None,
        "row/surname": None,
        "row/sex": ["F"],
        "row/ward": ["WARD-A"],
    }
    assert [one["name"] for export in found["exports"] for one in export["interfaces"]] == ["Lab in"]
    assert [one["reason"] for one in found["unknown"]] == ["no format recognises it"]
    page = tmp_path / "page.md"
    assert trivet(capsys, "register", "scan", str(extracts), "--out", str(page))[0] == 0
    assert "| OBX-6 |" in page.read_text()
    assert MARK not in out + page.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extracts", "page.md"]
    assert trivet(capsys, "register", "scan", str(tmp_path / "nowhere"))[0] == 5


def test_a_source_by_its_name_and_an_export(extracts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A first word that is no command is a source; an export that breaks off ends with 4; the list has both kinds of interface."""
    at = ("--home", str(tmp_path / "home"))
    assert trivet(capsys, "init", str(tmp_path / "home"), "--synthetic")[0] == 0
    assert trivet(capsys, "receive", str(extracts / "a.hl7"), "--source", "lab", *at)[0] == 0
    code, out = trivet(capsys, "register", "lab", "--out", str(tmp_path / "lab.md"), "--json", *at)
    assert (code, json.loads(out)["formats"][0]["units"]) == (0, 6)
    assert (tmp_path / "lab.md").read_text().startswith("# Interface register: lab")
    assert trivet(capsys, "register", "nobody", *at)[0] == 5
    (extracts / "c.xml").write_text((extracts / "c.xml").read_text() + "<oops")
    code, out = trivet(capsys, "register", "import", str(extracts), "--json", *at)
    assert (code, json.loads(out)["quarantined"]) == (4, 1)
    code, out = trivet(capsys, "register", "list", "--json", *at)
    assert [(row["name"], row["origin"]) for row in json.loads(out)["interfaces"]] == [("lab", "traffic"), ("Lab in", "export")]
