"""Verifies a Trivet dossier offline: `python verify.py FILE.zip [--vkey NAME+ID+KEY ...]`. Standard library only, no network.

One line for each link: PASS, FAIL or NOT-DISCLOSED; exit 1 when anything fails. Checked: every byte of the archive, the digests
of its members and the ledger entry that seals them, the Ed25519 signature of the checkpoint (RFC 8032, C2SP signed-note), the
proof of every ledger entry (RFC 6962), every opened commitment, and the way from raw bytes to facts, features, model and output.

Trust: without --vkey the log's key is the one in the archive, which proves that the archive fits together, not whose it is.
Get the key, and this script, from somebody other than whoever gave you the archive.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import sys
import zlib
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

Point = tuple[int, int, int, int]
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
BROKEN = (ValueError, KeyError, TypeError, IndexError, AttributeError, InvalidOperation, struct.error, RecursionError)
UNSEALED = ("manifest.json", "seal.json", "checkpoint")
SHOWN = ("display", "action", "override")
HAPPENED = ("outcome", "correction", "incident")


class Line(NamedTuple):
    """One link and how it fared."""

    link: str
    state: str
    text: str


class Failed(ValueError):
    """A link does not hold."""


def pack(members: list[tuple[str, bytes]]) -> bytes:
    """A ZIP of these members, in this order: the same members are always the same bytes."""
    body, directory = bytearray(), bytearray()
    for name, data in members:
        raw = name.encode()
        head = struct.pack("<HHHHHIIIHH", 20, 0x800, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(raw), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\3\4" + head + raw + data
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + b"PK\5\6" + end)


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of an archive made by `pack`; Failed when a single byte of it is not as `pack` writes it."""
    members: list[tuple[str, bytes]] = []
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        size, name = struct.unpack_from("<I4xH", data, at + 18)
        start = at + 30 + name
        members.append((data[at + 30 : start].decode(), data[start : start + size]))
        at = start + size
    found = dict(members)
    if pack(members) != data or len(found) != len(members):
        raise Failed("the archive is not as it was written")
    return found


def point(data: bytes) -> Point | None:
    """RFC 8032 section 5.1.3: 32 bytes to a point, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def plus(one: Point, two: Point) -> Point:
    """Sum of two points, extended coordinates."""
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % P, (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, one: Point) -> Point:
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = plus(total, one)
        one, number = plus(one, one), number >> 1
    return total


def ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """RFC 8032 section 5.1.7."""
    key, base = point(public), point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    if key is None or base is None or len(signature) != 64:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= L:
        return False
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus = (P - key[0], key[1], 1, P - key[3])
    x, y, z, _ = plus(times(scalar, base), times(hashed, minus))
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def unbase64(text: str) -> bytes:
    """Standard base64, written the one way."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise Failed("base64 written another way")
    return data


def read_key(vkey: str) -> tuple[str, bytes, bytes]:
    """Name, key id and public bytes of a published key."""
    name, known, encoded = vkey.strip().split("+", 2)
    data = unbase64(encoded)
    own = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if data[:1] != b"\1" or len(data) != 33 or own.hex() != known:
        raise Failed("not an Ed25519 note key")
    return name, own, data[1:]


def read_checkpoint(note: str, keys: list[str], trusted: list[str]) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint whose every signature holds and one of which is by a trusted key."""
    head, _, tail = note.rpartition("\n\n")
    known = {(name, own): public for name, own, public in map(read_key, keys + trusted)}
    believed = {read_key(key)[:2] for key in trusted or keys}
    good = False
    for line in tail[:-1].split("\n"):
        dash, name, encoded = line.split(" ")
        data = unbase64(encoded)
        public = known.get((name, data[:4]))
        if dash != "\u2014" or public is None or not ed25519(public, data[4:], (head + "\n").encode()):
            raise Failed("a signature does not hold")
        good = good or (name, data[:4]) in believed
    origin, size, root = head.split("\n")
    if not good or not tail.endswith("\n") or str(int(size)) != size:
        raise Failed("no signature by a trusted key")
    return origin, int(size), unbase64(root)


def read_proof(text: str, note: str) -> tuple[int, list[bytes]]:
    """Index and path of a `.tlog-proof` that carries exactly this checkpoint."""
    head, _, rest = text.partition("\n\n")
    first, index, *lines = head.split("\n")
    path = [unbase64(line) for line in lines]
    if first != "c2sp.org/tlog-proof@v1" or index != f"index {int(index[6:])}" or rest != note:
        raise Failed("not a proof against the checkpoint")
    return int(index[6:]), path


def root_of(index: int, size: int, body: bytes, path: list[bytes]) -> bytes:
    """The root to which a path leads from an entry's bytes."""
    found, last = hashlib.sha256(b"\0" + body).digest(), size - 1
    if not 0 <= index < size:
        raise Failed("outside the log")
    for other in path:
        if last == 0 or len(other) != 32:
            raise Failed("not a path of its length")
        if index & 1 or index == last:
            found = hashlib.sha256(b"\1" + other + found).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + other).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise Failed("a path that is too short")
    return found


def agree(text: str, value: Any) -> bool:
    """Does the text that stands in the raw bytes say the value by itself, without a map?"""
    text, said = text.strip().strip('"').strip(), value if isinstance(value, str) else json.dumps(value, default=str)
    if text == said:
        return True
    try:
        return Decimal(text) == Decimal(said)
    except InvalidOperation:
        digits = "".join(sign for sign in text if sign.isdigit())
        return len(digits) >= 4 and "".join(sign for sign in said if sign.isdigit()).startswith(digits)  # 20260301 and 2026-03-01


def opens(salt: str, kind: str, data: bytes, said: str) -> bool:
    """Do these bytes open the commitment?"""
    key = bytes.fromhex(salt)
    made = hmac.new(key, b"trivet/commit/v1\0" + kind.encode() + b"\0" + data, hashlib.sha256).hexdigest()
    return len(key) == 32 and hmac.compare_digest(made, said)


class Dossier:
    """An archive being verified, link by link."""

    def __init__(self, members: dict[str, bytes], trusted: list[str]) -> None:
        self.members, self.trusted = members, trusted
        self.manifest = json.loads(members["manifest.json"])
        self.seal = json.loads(members["seal.json"])
        self.entries = {int(name[8:-5]): json.loads(data) for name, data in members.items() if name.startswith("entries/")}
        self.seq = int(self.manifest["seq"])
        self.record = json.loads(members["decision.json"]) if "decision.json" in members else None
        self.lineage = json.loads(members["lineage.json"]) if "lineage.json" in members else None
        self.openings = {(one["seq"], one["field"]): one for one in json.loads(members["openings.json"])}

    def archive(self) -> str:
        """Exactly the members that the manifest names, each with its digest; the manifest with that of the seal."""
        listed: dict[str, str] = self.manifest["members"]
        loose = {name for name in self.members if name in UNSEALED or name.startswith("proofs/")}
        if set(listed) != set(self.members) - loose or set(UNSEALED) - loose:
            raise Failed("members are missing or added")
        wrong = [name for name, digest in listed.items() if hashlib.sha256(self.members[name]).hexdigest() != digest]
        if wrong:
            raise Failed("changed: " + ", ".join(wrong))
        sealed = (self.seal["kind"], self.seal["refs"], self.seal["digests"]["manifest"])
        if sealed != ("dossier", [self.seq], hashlib.sha256(self.members["manifest.json"]).hexdigest()):
            raise Failed("the seal is that of another manifest")
        return f"{len(self.members)} members, every byte as sealed {self.seal['at']}"

    def log(self) -> str:
        """The signature, and every entry in the signed log, the seal included."""
        note, keys = self.members["checkpoint"].decode(), self.members["log.vkey"].decode().split()
        origin, size, root = read_checkpoint(note, keys, self.trusted)
        bodies = {f"proofs/{seq}.tlog-proof": self.members[f"entries/{seq}.json"] for seq in self.entries}
        names = {name for name in self.members if name.startswith("proofs/")}
        bodies["proofs/seal.tlog-proof"] = self.members["seal.json"]
        if names != set(bodies):
            raise Failed("an entry without a proof, or a proof without an entry")
        for name, body in bodies.items():
            index, path = read_proof(self.members[name].decode(), note)
            if (name != f"proofs/{index}.tlog-proof" and name != "proofs/seal.tlog-proof") or root_of(index, size, body, path) != root:
                raise Failed(f"{name} does not lead to the signed root")
        whose = "a key you gave" if self.trusted else "the archive's own key (give --vkey to know whose)"
        return f"{len(bodies)} entries of {size} in {origin}, signed by {whose}"

    def raw(self) -> str | None:
        """Every unit that is here opens the commitment that was made when it came."""
        units = sorted({fact["receipt"] for fact in self.lineage["facts"]}) if self.lineage else []
        here = [seq for seq in units if f"raw/{seq}" in self.members]
        for seq in here:
            salt, entry = self.openings[seq, "raw"]["salt"], self.entries[seq]
            if entry["kind"] != "raw.received" or not opens(salt, "raw", self.members[f"raw/{seq}"], entry["commitments"]["raw"]):
                raise Failed(f"unit {seq} is not what came")
        rest = f", {len(units) - len(here)} not disclosed" if len(here) < len(units) else ""
        return f"{len(here)} units open the commitments of their receipts{rest}" if here or (self.lineage and not units) else None

    def fact(self) -> str | None:
        """Every span lies in its unit, and the text there says the fact, by itself or through a named rule."""
        facts = self.lineage["facts"] if self.lineage else []
        here = [fact for fact in facts if f"raw/{fact['receipt']}" in self.members]
        plain = 0
        for fact in here:
            raw, spans = self.members[f"raw/{fact['receipt']}"], fact["spans"]
            if not spans or any(one["length"] < 1 or one["offset"] < 0 or one["offset"] + one["length"] > len(raw) for one in spans):
                raise Failed(f"{fact['record']} {fact['path']} has no bytes")
            texts = [raw[one["offset"] : one["offset"] + one["length"]].decode("utf-8", "replace") for one in spans]
            if any(agree(text, fact["value"]) for text in texts):
                plain += 1
            elif not all(one["rule"] for one in spans):
                raise Failed(f"{fact['record']} {fact['path']} does not stand in its bytes")
        told = f"{plain} facts read again from their bytes, {len(here) - plain} through named map rules"
        rest = f", {len(facts) - len(here)} not disclosed" if len(here) < len(facts) else ""
        return told + rest if here or (self.lineage and not facts) else None

    def feature(self) -> str | None:
        """The features of the committed record are those of the lineage: bits, and the facts of each or a recorded absence."""
        if self.record is None or self.lineage is None:
            return None
        row, facts = self.record["features"], self.lineage["facts"]
        values = row["values"] if row else []
        if row and row["view_digest"] != self._entry()["digests"]["view"]:
            raise Failed("the view is not the one in the ledger")
        if [value["name"] for value in values] != [one["name"] for one in self.lineage["features"]]:
            raise Failed("the lineage speaks of other features")
        absent = 0
        for value, one in zip(values, self.lineage["features"]):  # noqa: B905 - same names, so same length; runs on older Pythons
            under = [[facts[at]["record"], facts[at]["version"], facts[at]["path"]] for at in one["facts"]]
            if value["from"] != under or value["bits"] != one["bits"] or (value["value"] is None) is not (value["bits"] is None):
                raise Failed(f"{value['name']} rests on other facts")
            if value["bits"] is not None and struct.unpack(">d", bytes.fromhex(value["bits"]))[0] != value["value"]:
                raise Failed(f"{value['name']} has other bits")
            if not under and not value["absence"]:
                raise Failed(f"{value['name']} rests on nothing")
            absent += not under
        return f"{len(values) - absent} features from their facts, {absent} recorded absences, by view {row['view'] if row else '-'}"

    def model(self) -> str | None:
        """The model named in the record is the one in the ledger, and its manifest names the artefact that ran."""
        entry = self._entry()
        digest, artefact = entry["digests"].get("model", ""), entry["digests"].get("artefact", "")
        if self.record is not None:
            said = self.record["model"] or {"digest": "", "name": "", "version": ""}
            if (said["digest"], self.record["artefact_digest"], said["name"]) != (digest, artefact, entry["notes"]["model"]):
                raise Failed("another model than the ledger says")
        if not digest:
            return f"no model gave the answer: {entry['notes']['outcome']}"
        held = self.members.get("model/manifest.json")
        if held is None:
            return None
        files = json.dumps(json.loads(held)["files"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if (hashlib.sha256(held).hexdigest(), hashlib.sha256(files.encode()).hexdigest()) != (digest, artefact):
            raise Failed("the manifest is another model's, or names other files")
        return f"{entry['notes']['model']} {entry['notes']['version']}, manifest and artefact {artefact[:16]}"

    def authority(self) -> str | None:
        """Grant, route and release: their words have the digests in the ledger."""
        seqs = [int(name[10:-5]) for name in self.members if name.startswith("authority/")]
        for seq in seqs:
            if hashlib.sha256(self.members[f"authority/{seq}.json"]).hexdigest() != self.entries[seq]["digests"]["payload"]:
                raise Failed(f"entry {seq} has other words")
        if not set(self._entry()["refs"]) <= set(self.entries):
            raise Failed("what the decision rests on is missing")
        return f"{len(seqs)} acts of governance with their words" if seqs else None

    def output(self) -> str | None:
        """The record opens its commitment, and says what the ledger says."""
        if self.record is None:
            return None
        entry, salt = self._entry(), self.openings[self.seq, "record"]["salt"]
        if entry["kind"] != "decision" or not opens(salt, "decision", self.members["decision.json"], entry["commitments"]["record"]):
            raise Failed("the record is not the one that was recorded")
        said = (self.record["decision_id"], self.record["use"], self.record["outcome"], self.record["mode"])
        if said != tuple(entry["notes"][word] for word in ("id", "use", "outcome", "mode")) or said[0] != self.manifest["decision"]:
            raise Failed("record and ledger say different things")
        given = self.record["prediction"]
        if given and struct.unpack(">d", bytes.fromhex(given["bits"]))[0] != given["value"]:
            raise Failed("the output has other bits")
        answer = f"{given['value']} ({given['label']}), bits {given['bits']}" if given else self.record["withheld"]["reason"]
        return f"{said[0]} {said[2]}: {answer}"

    def after(self, kinds: tuple[str, ...]) -> str | None:
        """What the ledger says of the time after: entries of these kinds that rest on the decision."""
        found = [entry for entry in self.entries.values() if entry["kind"] in kinds and self.seq in entry["refs"]]
        return ", ".join(f"{entry['kind']} {entry['at']}" for entry in found) or None

    def _entry(self) -> dict[str, Any]:
        return dict(self.entries[self.seq])


def verify(data: bytes, trusted: list[str]) -> list[Line]:
    """Every link of an archive."""
    try:
        dossier = Dossier(unpack(data), trusted)
    except BROKEN as error:
        return [Line("archive", "FAIL", f"cannot be read: {type(error).__name__} {error}")]
    names = ("archive", "log", "raw", "fact", "feature", "model", "authority", "output")
    links: list[tuple[str, Any]] = [(name, getattr(dossier, name)) for name in names]
    links += [("display", lambda: dossier.after(SHOWN)), ("outcome", lambda: dossier.after(HAPPENED))]
    lines = []
    for name, check in links:
        try:
            text = check()
            lines.append(Line(name, "PASS" if text else "NOT-DISCLOSED", text or "not in this archive"))
        except BROKEN as error:
            lines.append(Line(name, "FAIL", str(error) if isinstance(error, Failed) else f"damaged: {type(error).__name__}"))
    return lines


def main(arguments: list[str]) -> int:
    """Print the links; 0 when none failed, 1 when one did, 2 for a wrong call."""
    vkeys = [arguments[at + 1] for at, word in enumerate(arguments[:-1]) if word == "--vkey"]
    files = [word for at, word in enumerate(arguments) if word != "--vkey" and (at == 0 or arguments[at - 1] != "--vkey")]
    if len(files) != 1:
        print("usage: python verify.py FILE.zip [--vkey NAME+ID+KEY ...]")  # noqa: T201
        return 2
    with open(files[0], "rb") as file:
        lines = verify(file.read(), vkeys)
    for line in lines:
        print(f"{line.state:14}{line.link:10}{line.text}")  # noqa: T201
    return int(any(line.state == "FAIL" for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
