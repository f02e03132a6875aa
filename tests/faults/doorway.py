"""`trivet up` as a process of its own, and peers who talk to its doors over real sockets, well or badly."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trivet.wiring.build import init_home
from trivet.wiring.settings import Source, add_source

__all__ = ["Peer", "Up", "home_with_doors", "message", "msa"]


def message(control: str, size: int = 0, person: int = 7) -> bytes:
    """An admission of a patient who exists only here."""
    lines = [
        f"MSH|^~\\&|ADT|HOSP|TRIVET|HOSP|20260301080000||ADT^A01^ADT_A01|{control}|P|2.5.1",
        "EVN|A01|20260301080000",
        f"PID|1||{person:06d}^^^HOSP^MR||TESTCASE{person}^PAT||19{person % 90 + 10:02d}0101|F",
        f"PV1|1|I|W{person % 7}^1^1^HOSP||||||||||||||||V{control}|||||||||||||||||||||||||20260301080000",
        f"NTE|1||{'x' * size}",
    ]
    return "\r".join(lines).encode() + b"\r"


def msa(answer: bytes) -> tuple[str, str]:
    """Code and control id of an answer; empty when there was none."""
    found = re.search(rb"MSA\|(\w\w)\|([^|\r]*)", answer)
    return (found[1].decode(), found[2].decode()) if found else ("", "")


def home_with_doors(folder: Path, *names: str) -> Path:
    """A home whose feeds each have an MLLP door on a port of the system's choice."""
    init_home(folder, synthetic=True).close()
    for name in names:
        add_source(folder, name, Source(format="hl7v2", owner="tests", door="mllp://127.0.0.1:0"))
    return folder


class Up:
    """A running `trivet up`."""

    def __init__(self, home: Path, before: Callable[[], Any] | None = None) -> None:
        command = [sys.executable, "-m", "trivet.cli.main", "up", "--home", str(home), "--no-console", "--http", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=before)
        self.ports: dict[str, int] = {}
        self.said: list[str] = []
        wanted = sum('door = "mllp' in line for line in (home / "trivet.toml").read_text().splitlines())
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("mllp"):
                _, name, address = line.split()
                self.ports[name] = int(address.rpartition(":")[2])
            if len(self.ports) == wanted:
                break
        else:
            raise AssertionError("".join(self.said))
        self.listener = threading.Thread(target=lambda: self.said.extend(self.process.stderr or ()), daemon=True)
        self.listener.start()

    def peak(self) -> int:
        """The most memory it ever held, in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024

    def kill(self) -> None:
        """kill -9, with the children."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Peer:
    """One connection to a door."""

    def __init__(self, port: int, seconds: float = 60.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.held = b""

    def send(self, raw: bytes) -> tuple[str, str]:
        """Send a message in its frame and wait for its answer."""
        self.socket.sendall(b"\x0b" + raw + b"\x1c\r")
        return msa(self.answer())

    def answer(self) -> bytes:
        """The next answer; empty when the other side has closed."""
        while b"\x1c\r" not in self.held:
            more = self.socket.recv(65536)
            if not more:
                return b""
            self.held += more
        found, _, self.held = self.held.partition(b"\x1c\r")
        return found

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self.socket.close()


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def mountable() -> bool:
    """May this process mount a small file system?"""
    return os.geteuid() == 0 and Path("/proc/mounts").exists() and Path("/bin/mount").exists()
