"""Every built-in sink keeps what the kit asks, over real sockets; the kit finds the faults it is there to find."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from outgoing_ward import KEY, SYSTEM, patient
from peers import FhirShelf, HttpPeer, MllpPeer, outcome
from trivet.contracts.decision import DecisionRecord
from trivet.contracts.outgoing import Letter, Occasion, Outcome, Seat, Sink
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.integration.outbound.oru import OruSink
from trivet.integration.outbound.webhook import WebhookSink
from trivet.integration.outbound.writeback import WriteBackSink
from trivet.testing.kits.sink import SinkKit

AT = "2026-03-01T08:00:00.000000Z"
MODEL = ModelRef("readmit-gb", "1", "a" * 64)
SAID = Prediction(MODEL, 0.25, "3fd0000000000000", "high", 0.2, (("stays", 0.5, "points"),))
RECORD = DecisionRecord(
    "D-000007", "readmission", "p-1", AT, AT, 3, "north", "clinician", "treatment", "scored", "active", None, (), MODEL, prediction=SAID
)
OCCASION = Occasion("x", 1, "0123456789abcdef0123", "issued", "F", "D-000007", "", AT, "north", RECORD, "Back?", "score", (patient("p-1"),))


@dataclass
class Peers:
    """Addresses of a peer that takes, one that refuses, one that is silent, and one that is not there."""

    good: str
    refusing: str
    silent: str
    nowhere: str


def free() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.fixture
def mllp() -> Iterator[Peers]:
    """MLLP listeners."""
    good, refusing, silent = MllpPeer(), MllpPeer(("AE",)), MllpPeer(deaf=True)
    yield Peers(*(f"mllp://127.0.0.1:{port}" for port in (good.port, refusing.port, silent.port, free())))
    for one in (good, refusing, silent):
        one.close()


@pytest.fixture
def http() -> Iterator[Peers]:
    """HTTP servers."""
    good, refusing, silent = HttpPeer(FhirShelf()), HttpPeer(lambda *_: (422, {}, outcome("no"))), MllpPeer(deaf=True)
    yield Peers(*(f"http://127.0.0.1:{port}/fhir/Hook" for port in (good.port, refusing.port, silent.port, free())))
    for one in (good, refusing, silent):
        one.close()


def kit(made: Callable[[Seat], Sink], peers: Peers, key: str = "", **options: Any) -> SinkKit:
    """The kit over a sink."""

    def open_it(url: str) -> Sink:
        return made(Seat("x", url, "north", 0.5, options, (lambda: (key,)) if key else tuple, time.time))

    return SinkKit(open_it, OCCASION, peers.good, peers.refusing, peers.silent, peers.nowhere, 0.5)


def test_hl7v2(mllp: Peers) -> None:
    """ORU^R01 over MLLP keeps the kit."""
    kit(OruSink, mllp, patient_system=SYSTEM).check()


@pytest.mark.parametrize("resource", ["RiskAssessment", "Observation"])
def test_fhir(http: Peers, resource: str) -> None:
    """FHIR write-back keeps the kit."""
    kit(WriteBackSink, http, patient_system=SYSTEM, resource=resource).check()


@pytest.mark.parametrize("payload", ["id-only", "full-resource"])
def test_webhook(http: Peers, payload: str) -> None:
    """Signed webhooks keep the kit."""
    kit(WebhookSink, http, KEY, payload=payload, patient_system=SYSTEM).check()


class Careless:
    """A sink with every fault."""

    def __init__(self, url: str) -> None:
        self.count = 0

    def render(self, occasion: Occasion) -> bytes:
        """Another answer each time."""
        self.count += 1
        return f"{self.count} {len(occasion.patients)}".encode()

    def send(self, letter: Letter) -> Outcome:
        """Gives up at once."""
        return Outcome("never", "")

    def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("name", ["pure", "key", "unnamed", "delivered", "refused", "failures_are_kept"])
def test_the_kit_finds_faults(name: str) -> None:
    """Each check fails for a sink that breaks what it is there for."""
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(AssertionError))
        getattr(SinkKit(Careless, OCCASION, "", "", "", "", 0.1), f"check_{name}")()
