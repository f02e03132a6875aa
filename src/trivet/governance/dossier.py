"""Writes the archive that proves one decision without this house: members, manifest, seal, proofs.

In: the parts of a dossier as bytes by name. Out: one ZIP that `verify.py`, which it carries, checks offline. The manifest's
digest is a ledger entry of its own (`dossier`), so that the archive is signed by the log, and its making is itself recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trivet.contracts.ports import Clock, Store
from trivet.contracts.trace import Entry
from trivet.governance.checkpoints import Checkpointer
from trivet.governance.ledger import MerkleLedger
from trivet.governance.verify import pack
from trivet.kernel.digest import canonical, sha256
from trivet.kernel.resources import text

__all__ = ["Archivist", "Sealed"]

README = """Dossier of decision {decision}

    python verify.py {decision}.zip --vkey KEY

Standard library only, no network. Get KEY (and, to be sure, verify.py) from the hospital by another way than this archive;
without --vkey the key in log.vkey is used, which shows that the archive fits together, not whose it is.

decision.json    what was asked, known, permitted and answered        lineage.json   features, their facts, their bytes
entries/         ledger entries, byte for byte                        proofs/        that they are in the signed log
raw/             the units as they came                               openings.json  salts that open the commitments
model/           the model's manifest                                 authority/     grant, route, release: who decided what
checkpoint       the signed head of the log (C2SP tlog-checkpoint)    seal.json      the ledger entry about manifest.json
Not in this archive on purpose: {withheld}
"""


class Sealed(NamedTuple):
    """The archive, the ledger position of its seal, the digest of its manifest, and the key that opens its checkpoint."""

    data: bytes
    seq: int
    manifest: str
    vkey: str


class Archivist:
    """Seals dossiers."""

    def __init__(self, ledger: MerkleLedger, store: Store, desk: Checkpointer, clock: Clock) -> None:
        self._ledger, self._store, self._desk, self._clock = ledger, store, desk, clock

    def seal(self, decision: str, seq: int, parts: Mapping[str, bytes], entries: set[int], withheld: tuple[str, ...]) -> Sealed:
        """Add the ledger entries with their proofs, the manifest and its seal, the verifier; pack."""
        members = dict(parts) | {f"entries/{at}.json": self._ledger.body(at) for at in entries}
        members["verify.py"] = text("trivet.governance", "verify.py").encode()
        members["log.vkey"] = f"{self._desk.signer.verifier.vkey}\n".encode()
        members["README.txt"] = README.format(decision=decision, withheld=", ".join(withheld) or "nothing").encode()
        manifest = canonical(
            {
                "v": 1,
                "decision": decision,
                "seq": seq,
                "made_at": self._clock.now(),
                "origin": self._desk.signer.name,
                "withheld": list(withheld),
                "members": {name: sha256(data) for name, data in members.items()},
            }
        )
        notes = {"id": decision, "withheld": ",".join(withheld)}
        entry = Entry("dossier", self._clock.now(), refs=(seq,), digests={"manifest": sha256(manifest)}, notes=notes)
        place = self._store.write(lambda tx: self._ledger.append(tx, [entry]))[0].seq
        head = self._desk.sign()
        proofs = {f"proofs/{at}.tlog-proof": self._desk.prove(at, head).encode() for at in entries}
        proofs["proofs/seal.tlog-proof"] = self._desk.prove(place, head).encode()
        whole = members | proofs | {"manifest.json": manifest, "seal.json": self._ledger.body(place), "checkpoint": head.note.encode()}
        first = ["README.txt", "verify.py", "manifest.json"]
        order = [*first, *sorted(whole.keys() - set(first))]
        return Sealed(pack([(name, whole[name]) for name in order]), place, sha256(manifest), self._desk.signer.verifier.vkey)
