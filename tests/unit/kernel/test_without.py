"""A package that is only there stays unloaded: pyarrow makes arrays without pandas, pydicom reads headers without numpy."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from trivet.kernel.without import without


def run(code: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_is_left_out_cannot_be_loaded_and_can_be_afterwards() -> None:
    """Inside, an import fails as if the package were not installed; behind it, it succeeds; what was loaded before stays."""
    sys.modules.pop("colorsys", None)
    with without("colorsys", "json"):
        with pytest.raises(ModuleNotFoundError, match="colorsys"):
            import_module("colorsys")
        assert import_module("json") is sys.modules["json"]
    assert import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_arrow_asks_for_pandas_once() -> None:
    """After one array without pandas, none loads it; whoever asks for a frame gets one all the same, where pandas is installed."""
    pytest.importorskip("pandas", reason="pandas is not installed")
    code = (
        "import sys, pyarrow; from trivet.kernel.without import without\n"
        "with without('pandas'): pyarrow.array([])\n"
        "table = pyarrow.Table.from_pylist([{'one': 1}]); pyarrow.array(['a'], pyarrow.string())\n"
        "print('pandas' in sys.modules, table.to_pandas().shape, 'pandas' in sys.modules)"
    )
    assert run(code) == "False (1, 1) True"


def test_a_pool_reads_headers_without_numpy() -> None:
    """In a process of a pool the DICOM reader loads no numpy; in one of its own it loads what pydicom asks for."""
    code = (
        "import multiprocessing, sys\n"
        "def loaded(_):\n"
        "    import trivet.integration.formats.dicom.header\n"
        "    return 'pydicom' in sys.modules, 'numpy' in sys.modules\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('fork').Pool(1) as pool: print(pool.map(loaded, [0])[0], loaded(0)[0])"
    )
    assert run(code) == "(True, False) True"
