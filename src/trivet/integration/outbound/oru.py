"""HL7 v2.5.1 ORU^R01 over MLLP: one message for each decision, the decision's id in it.

In: a decision. Out: bytes, and what the acknowledgement said. OBR-3 is the first decision of a chain of corrections, so that a
correction takes the place of what it corrects; OBR-22 never runs backwards within a chain; OBX-11 and OBR-25 carry the status.
Refused: an acknowledgement whose MSA-2 is not our MSH-10; the connection is closed and the message stays.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from trivet.contracts.outgoing import Letter, Occasion, Outcome, Seat
from trivet.contracts.prediction import Prediction
from trivet.integration.formats.hl7v2.ack import stamp
from trivet.integration.formats.hl7v2.writer import Field, compose
from trivet.integration.outbound.identity import Named, named
from trivet.integration.outbound.mllp import MllpSender
from trivet.integration.outbound.options import checked, client_tls
from trivet.integration.outbound.tables import reply_means
from trivet.kernel.errors import Locked, Rejected, Usage

__all__ = ["OruSink"]

LOCAL = "99TRIVET"
REASONS = {
    "TimeoutError": "no-answer",
    "IncompleteReadError": "closed-without-answer",
    "ConnectionRefusedError": "not-reachable",
    "LimitOverrunError": "endless-answer",
}
DEFAULTS: dict[str, Any] = {
    "patient_system": "",
    "patient_authority": "",
    "sending_application": "TRIVET",
    "receiving_application": "",
    "receiving_facility": "",
    "processing": "P",
    "demographics": True,
    "tls_authority": "",
    "tls_certificate": "",
    "tls_key": "",
}


class OruSink:
    """`mllp://host:port` or `mllps://host:port`. `patient_system` names whose identifier stands in PID-3."""

    def __init__(self, seat: Seat) -> None:
        self.seat, self.options = seat, checked(seat, DEFAULTS)
        address = urlsplit(seat.url)
        if address.scheme not in ("mllp", "mllps") or not address.hostname or not address.port:
            raise Usage("E852", "not an MLLP address", where=f"destinations.{seat.destination}.url", why="mllp://HOST:PORT or mllps://")
        if not self.options["patient_system"]:
            raise Usage("E852", "patient_system is missing", where=f"destinations.{seat.destination}.options", help="trivet doctor")
        tls = client_tls(self.options) if address.scheme == "mllps" else None
        self._sender = MllpSender(address.hostname, address.port, seconds=seat.seconds, tls=tls)
        self._runner: asyncio.Runner | None = None

    def render(self, occasion: Occasion) -> bytes | Rejected:
        """The message. Rejected E856, E857 when the person cannot be named there, E858 for text that UTF-8 cannot hold."""
        who = named(occasion.patients, self.options["patient_system"])
        if isinstance(who, Rejected):
            return who
        try:
            return compose([self._header(occasion), self._person(who), order(occasion), *observations(occasion)])
        except UnicodeEncodeError:
            return Rejected("E858", "text that cannot be encoded")

    def _header(self, occasion: Occasion) -> list[Field]:
        receiver = [self.options["receiving_application"], self.options["receiving_facility"]]
        ours = [self.options["sending_application"], occasion.site]
        kind: Field = ["ORU", "R01", "ORU_R01"]
        rest = [occasion.key, self.options["processing"], "2.5.1", "", "", "", "", "", "UNICODE UTF-8"]
        return ["MSH", *ours, *receiver, stamp(occasion.at), "", kind, *rest]

    def _person(self, who: Named) -> list[Field]:
        number: Field = [who.value, "", "", self.options["patient_authority"], "MR"]
        if not self.options["demographics"]:
            return ["PID", "1", "", number, "", ["", "", "", "", "", "", "S"]]
        return ["PID", "1", "", number, "", [who.family, who.given], "", who.born.replace("-", ""), who.sex]

    def send(self, letter: Letter) -> Outcome:
        """Hand over and wait for the acknowledgement of this very message."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        try:
            reply = self._runner.run(self._sender.send(letter.body))
        except Locked as failed:
            return Outcome("later", "other-answer" if failed.code == "E264" else REASONS.get(failed.why, "connection-lost"))
        means = reply_means(reply.code)
        known = reply.code in ("AA", "AE", "AR", "CA", "CE", "CR")
        return Outcome(means.result, reply.code if known else "odd-answer", reply.raw, 0.0, means.tries)

    def close(self) -> None:
        """End the connection."""
        if self._runner is not None:
            self._runner.run(self._sender.close())
            self._runner.close()
            self._runner = None


def order(occasion: Occasion) -> list[Field]:
    """OBR: OBR-3 the chain, OBR-7 the moment asked about, OBR-22 when this status came to be, OBR-25 the status."""
    decision = occasion.decision
    asked: Field = [decision.use, occasion.question, LOCAL]
    segment: list[Field] = ["OBR", "1", "", [occasion.thread, "TRIVET"], asked, "", "", stamp(decision.instant)]
    segment += [""] * 14  # OBR-8 to OBR-21
    return [*segment, stamp(occasion.at), "", "", occasion.status]


def observations(occasion: Occasion) -> list[list[Field]]:
    """OBX for each thing that was put out, then the decision's id and what made it; NTE for reasons, or for what to do instead."""
    decision, prediction = occasion.decision, occasion.decision.prediction
    rows: list[tuple[str, list[str], Field, str, str]] = []
    if prediction is not None:
        unit = "1" if occasion.output == "probability" else "{score}"
        limit = "" if prediction.threshold is None else f">={prediction.threshold!r}"
        rows.append(("NM", [f"{decision.use}.value", "Value"], repr(prediction.value), unit, limit))
        rows.append(("ST", [f"{decision.use}.label", "Label"], prediction.label, "", ""))
        rows.append(("ST", ["AIAST", "Artificial Intelligence asserted"], decision.outcome, "", ""))
    rows.append(("ST", ["decision", "Decision"], decision.decision_id, "", ""))
    if occasion.earlier:
        rows.append(("ST", ["decision.replaces", "Takes the place of decision"], occasion.earlier, "", ""))
    out: list[list[Field]] = []
    for number, (kind, code, value, unit, limit) in enumerate(rows, 1):
        method: list[Field] = [""] * 2
        if decision.model is not None:
            method = [
                [f"{decision.model.name}@{decision.model.version}", decision.model.name, LOCAL],
                [decision.model.digest[:16], "TRIVET"],
            ]
        named_: Field = [*code, LOCAL]
        out.append(
            [
                "OBX",
                str(number),
                kind,
                named_,
                "",
                value,
                unit,
                limit,
                "",
                "",
                "",
                occasion.status,
                "",
                "",
                stamp(occasion.at),
                "",
                "",
                *method,
            ]
        )
    out += [["NTE", str(number), "L", text] for number, text in enumerate(notes(occasion), 1)]
    return out


def notes(occasion: Occasion) -> list[str]:
    """In words: the first reasons of an answer, or why there is none and what to do instead."""
    withheld, prediction = occasion.decision.withheld, occasion.decision.prediction
    if withheld is not None:
        return [f"No answer: {', '.join(withheld.failed) or withheld.reason}", f"Instead: {withheld.instead}"]
    return [because(prediction)] if prediction is not None and prediction.reasons else []


def because(prediction: Prediction) -> str:
    """The five heaviest reasons in one line."""
    return "Because: " + "; ".join(f"{name} {weight:+.3g} ({how})" for name, weight, how in prediction.reasons[:5])
