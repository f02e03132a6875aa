"""`trivet.toml` is read strictly: what is not understood is said, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.kernel.errors import Usage
from trivet.wiring.settings import Source, add_source, read_settings

WHOLE = """
[site]
id = "main"
name = "Main Campus"
zone = "America/Chicago"

[home]
synthetic = true
today = "2026-03-01T08:00:00-06:00"

[ledger]
origin = "example.org/trivet"
checkpoint_every = "5m"

[sources.lab]
format = "hl7v2"
owner = "laboratory"
documented = true
expected_every = "15m"
door = "mllp://127.0.0.1:2575"
options = { charset = "latin-1" }

[sources.bed]
format = "csv"
zone = "UTC"
table = "bed_stays"
"""


def settings_of(folder: Path, text: str) -> object:
    """Settings read from a text."""
    (folder / "trivet.toml").write_text(text)
    return read_settings(folder)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """Every value arrives; times become instants, spans seconds, and a source without a zone has the site's."""
    (tmp_path / "trivet.toml").write_text(WHOLE)
    settings = read_settings(tmp_path)
    assert (settings.site.id, settings.origin, settings.checkpoint_every) == ("main", "example.org/trivet", 300)
    assert settings.today == "2026-03-01T14:00:00.000000Z"
    lab, bed = settings.sources["lab"], settings.sources["bed"]
    assert (lab.expected_every, lab.zone, lab.documented, lab.options) == (900, "America/Chicago", True, {"charset": "latin-1"})
    assert (bed.zone, bed.owner, bed.documented) == ("UTC", "unknown", False)
    assert settings.plain()["home"] == {"synthetic": True, "today": "2026-03-01T14:00:00.000000Z"}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('[site]\nid = "a"\nzoen = "UTC"\n', 3, "zoen"),
        ("[home]\nsyntetic = true\n", 2, "syntetic"),
        ('\n\n[sourses.lab]\nformat = "hl7v2"\n', 3, "sourses"),
        ('[sources.lab]\nformat = "hl7v2"\nexpected_every = "often"\n', 3, "expected_every"),
        ('[sources.lab]\ndocumented = "yes"\n', 2, "documented"),
        ('[site]\nzone = "Middle/Earth"\n', 2, "zone"),
        ('[sources."a b"]\nformat = "csv"\n', 1, "a b"),
        ('[home]\ntoday = "2026-03-01T08:00:00Z"\n', 2, "today"),
        ('[home]\nsynthetic = true\ntoday = "2026-03-01T08:00:00"\n', 3, "today"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    """A misspelt key, a wrong type, an unknown zone, a real home that wants to stop its clock: each names its line."""
    with pytest.raises(Usage) as refused:
        settings_of(tmp_path, text)
    assert refused.value.where.endswith(f"trivet.toml:{line}")
    assert word in refused.value.what


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    """The parser's own place is kept."""
    with pytest.raises(Usage, match="not TOML"):
        settings_of(tmp_path, "[site\n")


def test_a_new_source_is_written_behind_what_stands_there(tmp_path: Path) -> None:
    """Comments and order of the file stay; the new source can be read back; odd names are refused."""
    (tmp_path / "trivet.toml").write_text("# mine\n[site]\nid = 'a'\n")
    add_source(tmp_path, "lab.two", Source(format="hl7v2", expected_every=90, options={"x": 'a"b'}))
    assert (tmp_path / "trivet.toml").read_text().startswith("# mine\n[site]\nid = 'a'\n")
    found = read_settings(tmp_path).sources["lab.two"]
    assert (found.format, found.owner, found.documented, found.expected_every, found.options) == (
        "hl7v2",
        "unknown",
        False,
        90,
        {"x": 'a"b'},
    )
    with pytest.raises(Usage):
        add_source(tmp_path, "../x", Source())
