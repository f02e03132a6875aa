"""A home with the sample hospital in it, for training: the same receive, translate, normalise, link and shelve as anywhere else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

from trivet.contracts.house import House
from trivet.flows.load import Arrival, load
from trivet.flows.receive import Delivery
from trivet.kernel.clock import FrozenClock
from trivet.testing.hospital import generate
from trivet.wiring.build import init_home, open_home

__all__ = ["TODAY", "filled"]

TODAY = "2026-06-30T12:00:00.000000Z"
SOCKETS = {"adt", "lab", "lab_b", "vitals"}


def filled(folder: Path, patients: int, seed: int) -> House:
    """The home in a folder; made and filled when it is not there yet."""
    clock = FrozenClock(TODAY)
    if (folder / "trivet.toml").exists():
        return open_home(folder, clock=clock)
    init_home(folder, site="training", name="Training hospital", zone="America/Chicago", synthetic=True, today=TODAY, clock=clock).close()
    with as_file(files("trivet.testing.hospital").joinpath("site")) as overlay:
        shutil.copytree(overlay, folder / "site", dirs_exist_ok=True)
    toml = folder / "trivet.toml"
    toml.write_text(f"{toml.read_text()}\n{(folder / 'site/sources.toml').read_text()}")
    house = open_home(folder, clock=clock)
    load(house, arrivals(patients, seed))
    house.shelf.publish()
    return house


def arrivals(patients: int, seed: int) -> Iterator[Arrival]:
    """The hospital's two years, in order of arrival."""
    for one in generate(patients, seed=seed, today=TODAY):
        yield Arrival(Delivery(one.payload, one.source, one.format, one.filename), one.at, one.source in SOCKETS)
