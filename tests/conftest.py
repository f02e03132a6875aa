"""What every test shares: the clock's zone is never UTC, so that a time-zone slip is noticed, and the suites' folder is found."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: a test proves what is so, not how fast this machine is today. The same examples on every run, so that a red check is red
# for everybody; `TRIVET_RANDOM=1` draws new ones, which is how new counterexamples are looked for.
settings.register_profile("trivet", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("random" if os.environ.get("TRIVET_RANDOM") else "trivet")

os.environ["TZ"] = "America/Chicago"
time.tzset()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of external suites. Skips, and says so, where it is not there."""
    folder = Path(os.environ.get("TRIVET_CORPORA", ""))
    if not os.environ.get("TRIVET_CORPORA") or not folder.is_dir():
        pytest.skip("external suites are not on this machine: set TRIVET_CORPORA to their folder")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent
