"""Any order of putting, handing over, sharing, releasing and erasing: readable exactly while a holder lives, proofs for ever."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring
from trivet.data.vault import SealedVault
from trivet.governance.ledger import MerkleLedger
from trivet.kernel.digest import commitment
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.merkle import check_inclusion, leaf_hash
from trivet.wiring.rooms import schema

DATA = st.sampled_from([b"", b"a", b"b" * 300, b"c" * 70_000, bytes(range(256)) * 300])
HOLDERS = st.sampled_from(["source:lab", "house", "person:p-1", "person:p-2"])
AT = "2026-03-01T00:00:00Z"


class Erasure(RuleBasedStateMachine):
    """The vault beside a plain model of it: address -> holders."""

    @initialize()
    def begin(self) -> None:
        """A fresh home."""
        self.folder = Path(tempfile.mkdtemp())
        self.store = SQLiteStore(self.folder / "home.db", schema())
        self.keys = SQLiteStore(self.folder / "keys.db", KEY_SCHEMA)
        self.reopen()
        self.ledger = MerkleLedger(self.store)
        self.held: dict[str, set[str]] = {}
        self.data: dict[str, bytes] = {}
        self.proven: list[tuple[int, str, bytes]] = []

    @rule()
    def reopen(self) -> None:
        """What is held in memory is forgotten: only the disk counts."""
        self.vault = SealedVault(self.store, Keyring(self.keys, bytes(32)), self.folder / "vault")

    @rule(data=DATA, holder=HOLDERS)
    def put(self, data: bytes, holder: str) -> None:
        """Bytes come in, and the ledger commits to them."""

        def work(tx):  # type: ignore[no-untyped-def]
            blob = self.vault.put(tx, data, holder=holder, kind="raw")
            said = self.vault.commit(blob)
            return blob, said, self.ledger.append(tx, [Entry("raw.received", AT, commitments={"raw": said})])[0].seq

        blob, said, seq = self.store.write(work)
        self.held.setdefault(blob, set()).add(holder)
        self.data[blob] = data
        self.proven.append((seq, said, self.ledger.body(seq)))

    @rule(data=DATA, holder=HOLDERS)
    def rewrap(self, data: bytes, holder: str) -> None:
        """Handed over; persons who hold it keep it."""
        blob = self.vault.address(data)
        if not self.held.get(blob):
            return
        self.store.write(lambda tx: self.vault.rewrap(tx, [blob], holder))
        self.held[blob] = {one for one in self.held[blob] if one.startswith("person:")} | {holder}

    @rule(data=DATA, holder=HOLDERS)
    def release(self, data: bytes, holder: str) -> None:
        """A hold taken off; never the last one."""
        blob = self.vault.address(data)
        if not self.held.get(blob):
            return
        try:
            self.store.write(lambda tx: self.vault.release(tx, [blob], holder))
            self.held[blob].discard(holder)
        except Fault:
            assert self.held[blob] == {holder}

    @rule(holder=HOLDERS)
    def destroy(self, holder: str) -> None:
        """Erased: exactly what nobody else holds is gone."""
        alone = sum(holders == {holder} for holders in self.held.values())
        assert self.store.write(lambda tx: self.vault.destroy(tx, holder)) == alone
        for holders in self.held.values():
            holders.discard(holder)

    @invariant()
    def readable_while_held(self) -> None:
        """Each blob gives its exact bytes, and the salt that opens its commitment, or says that it is erased."""
        for blob, holders in getattr(self, "held", {}).items():
            try:
                data = self.vault.get(blob)
                assert holders
                assert data == self.data[blob]
                assert commitment(self.vault.opening(blob), "raw", data) == self.vault.commit(blob)
                assert set(self.vault.holders(blob)) == holders
            except NotFound:
                assert not holders

    @invariant()
    def proofs_stand(self) -> None:
        """Every entry ever written still stands in the tree with the commitment it was given."""
        size = self.ledger.size() if hasattr(self, "ledger") else 0
        for seq, said, body in getattr(self, "proven", [])[-5:]:
            assert self.ledger.body(seq) == body
            assert said.encode() in body
            check_inclusion(seq, size, leaf_hash(body), self.ledger.inclusion(seq, size), self.ledger.root_bytes(size))

    def teardown(self) -> None:
        """Nothing stays."""
        if hasattr(self, "store"):
            self.store.close()
            self.keys.close()
            shutil.rmtree(self.folder)


TestErasure = Erasure.TestCase
TestErasure.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
