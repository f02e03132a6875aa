"""Homes: made once, opened quickly, true to what they were founded as."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trivet.kernel.clock import FrozenClock, SystemClock
from trivet.kernel.errors import NotFound, Refused
from trivet.wiring.build import init_home, open_home
from trivet.wiring.settings import Source, add_source

NOON = FrozenClock("2026-03-01T12:00:00.000000Z")


def test_a_home_is_made_once(tmp_path: Path) -> None:
    """A second home in the same folder, or a home over other files, is refused; keys are for their owner's eyes."""
    init_home(tmp_path / "home", site="main", clock=NOON).close()
    with pytest.raises(Refused, match="already"):
        init_home(tmp_path / "home")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("x")
    with pytest.raises(Refused, match="not empty"):
        init_home(tmp_path / "other")
    assert (tmp_path / "home/keys").stat().st_mode & 0o077 == 0
    assert (tmp_path / "home/keys/master.key").stat().st_mode & 0o077 == 0


def test_no_home_is_said(tmp_path: Path) -> None:
    """A folder without a home is NotFound, with the command that makes one."""
    with pytest.raises(NotFound) as missing:
        open_home(tmp_path)
    assert "trivet init" in missing.value.help


def test_the_first_entry_says_whether_the_home_is_synthetic(tmp_path: Path) -> None:
    """Settings that call a real home synthetic, or the other way round, are refused: demo and patients never share a home."""
    for synthetic in (True, False):
        home = tmp_path / str(synthetic)
        init_home(home, synthetic=synthetic, clock=NOON).close()
        settings = home / "trivet.toml"
        settings.write_text(
            settings.read_text().replace(f"synthetic = {str(synthetic).lower()}", f"synthetic = {str(not synthetic).lower()}")
        )
        with pytest.raises(Refused, match="nature"):
            open_home(home)


def test_only_a_synthetic_home_has_a_today_of_its_own(tmp_path: Path) -> None:
    """Its clock stands at `today`; a real home has the machine's."""
    house = init_home(tmp_path / "demo", synthetic=True, today="2026-03-01T12:00:00Z")
    assert house.clock.now() == "2026-03-01T12:00:00.000000Z"
    house.close()
    house = init_home(tmp_path / "real")
    assert isinstance(house.clock, SystemClock)
    house.close()


def test_a_role_nobody_plays_is_said(tmp_path: Path) -> None:
    """Asking for an unknown role is NotFound and names the known ones."""
    house = init_home(tmp_path / "home", clock=NOON)
    with pytest.raises(NotFound, match="barber"):
        house.role("barber")
    assert house.landing is house.landing
    house.close()
    house.close()


def test_opening_a_home_imports_no_engine(tmp_path: Path) -> None:
    """DuckDB, Arrow, ONNX and the web framework load when they are asked for, so that every command starts quickly."""
    init_home(tmp_path / "home", clock=NOON).close()
    heavy = ("duckdb", "pyarrow", "onnxruntime", "numpy", "starlette", "uvicorn", "pydicom", "rapidfuzz")
    code = (
        "import sys; from pathlib import Path; from trivet.wiring.build import open_home; import trivet.cli.main\n"
        f"open_home(Path({str(tmp_path / 'home')!r})).close()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_feed_registered_meanwhile_is_known(tmp_path: Path) -> None:
    """A process that runs for months settles what another one received from a source that did not exist when it started."""
    house = init_home(tmp_path / "home", zone="America/Chicago", clock=NOON)
    assert "late" not in house.profiles
    add_source(tmp_path / "home", "late", Source(format="hl7v2", zone="Europe/Berlin"))
    assert house.profiles["late"].zone == "Europe/Berlin"
    house.close()
