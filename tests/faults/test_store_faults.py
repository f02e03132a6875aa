"""A full disk, a store that is held, read-only or moved, under a running `trivet up`: never a yes for what is not kept, and it recovers."""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doorway import Peer, Up, home_with_doors, message, mountable

from trivet.flows.fsck import fsck
from trivet.flows.receive import process_pending
from trivet.flows.reconcile import reconcile
from trivet.wiring.build import open_home

pytestmark = pytest.mark.long


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 160 MiB: 16 to fill, and what the ballast gives back is enough to settle all that was taken."""
    if not mountable():
        pytest.skip("no right to mount a file system here: run as root; the limit of file sizes is tested all the same")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["/bin/mount", "-o", "remount,rw", str(place)], check=False)
    subprocess.run(["/bin/umount", "-l", str(place)], check=True)


def talk(peer: Peer, first: int, times: int, size: int = 8_000) -> tuple[dict[str, bytes], int]:
    """Messages one by one: those that were acknowledged, and how many were refused. Every one is answered."""
    said, refused = {}, 0
    for number in range(first, first + times):
        raw = message(f"F{number}", size=size, person=number % 50)
        code, control = peer.send(raw.replace(b"x" * 64, f"{number:064d}".encode()))
        assert control == f"F{number}"
        assert code in ("AA", "AR")
        if code == "AA":
            said[control] = raw.replace(b"x" * 64, f"{number:064d}".encode())
        else:
            refused += 1
    return said, refused


def everything_is_there(home: Path, acknowledged: dict[str, bytes]) -> None:
    """After the trouble: each acknowledged message is kept and settled, the sums add up, fsck finds nothing."""
    house = open_home(home)
    kept = {blob for (blob,) in house.store.read("select blob from receipt")}
    assert [control for control, raw in acknowledged.items() if house.vault.address(raw) not in kept] == []
    process_pending(house)
    assert reconcile(house)["balanced"]
    assert fsck(house)["sound"]
    house.close()


def test_a_full_disk(small: Path) -> None:
    """Refused while nothing fits, accepted again when there is room: rule 1, on a file system that is really full."""
    home = home_with_doors(small / "home", "adt")
    ballast = small / "ballast"
    ballast.write_bytes(bytes(144 * 2**20))
    up = Up(home)
    peer = Peer(up.ports["adt"])
    acknowledged, refused = talk(peer, 0, 50)
    assert (len(acknowledged), refused) == (50, 0)
    number = 50
    while not refused and number < 20_000:
        more, refused = talk(peer, number, 50, size=20_000)
        acknowledged |= more
        number += 50
    assert refused, "the disk was never full"
    ballast.unlink()
    more, _ = talk(peer, number, 20)
    acknowledged |= more
    more, refused = talk(peer, number + 20, 20)
    assert refused == 0
    acknowledged |= more
    peer.close()
    up.stop()
    everything_is_there(home, acknowledged)


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The same with a limit of file sizes in place of a full disk, where no file system can be mounted."""
    home = home_with_doors(tmp_path / "home", "adt")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6 * 2**20, 6 * 2**20))

    up = Up(home, limit)
    peer = Peer(up.ports["adt"])
    acknowledged, refused, number = {}, 0, 0
    while not refused and number < 5_000:
        more, refused = talk(peer, number, 50, size=20_000)
        acknowledged |= more
        number += 50
    assert refused, "no limit was met"
    assert acknowledged
    peer.close()
    up.stop()
    everything_is_there(home, acknowledged)


def test_a_store_that_cannot_be_written(small: Path) -> None:
    """A file system that turns read-only: refused, not lost; accepted when it can be written again."""
    home = home_with_doors(small / "home", "adt")
    up = Up(home)
    peer = Peer(up.ports["adt"])
    acknowledged, _ = talk(peer, 0, 10)
    # a file system with open files cannot be remounted read-only: the writer's own files are made unwritable through their limits
    resource.prlimit(up.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    more, refused = talk(peer, 10, 10)
    assert refused == 10, more
    resource.prlimit(up.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    talk(peer, 20, 5)
    more, refused = talk(peer, 30, 10)
    assert refused == 0
    peer.close()
    up.stop()
    everything_is_there(home, acknowledged | more)


def test_a_store_that_is_held(tmp_path: Path) -> None:
    """Somebody holds the write lock for longer than we wait: refused after the wait, accepted when it is let go."""
    home = home_with_doors(tmp_path / "home", "adt", "lab")
    up = Up(home)
    peer = Peer(up.ports["adt"], 120)
    acknowledged, _ = talk(peer, 0, 10)
    holder = sqlite3.connect(home / "home.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    more, refused = talk(peer, 10, 1)
    assert (more, refused) == ({}, 1)
    holder.execute("ROLLBACK")
    holder.close()
    more, refused = talk(peer, 11, 10)
    assert refused == 0
    peer.close()
    up.stop()
    everything_is_there(home, acknowledged | more)


def test_a_store_that_was_moved_away(tmp_path: Path) -> None:
    """The file is moved under a running house: SQLite would go on writing into it, wherever it went; the door says no."""
    home = home_with_doors(tmp_path / "home", "adt")
    up = Up(home)
    peer = Peer(up.ports["adt"])
    acknowledged, _ = talk(peer, 0, 10)
    (home / "home.db").rename(tmp_path / "elsewhere.db")
    more, refused = talk(peer, 10, 5)
    assert (more, refused) == ({}, 5)
    (tmp_path / "elsewhere.db").rename(home / "home.db")
    more, refused = talk(peer, 20, 5)
    assert refused == 0
    peer.close()
    up.stop()
    everything_is_there(home, acknowledged | more)
