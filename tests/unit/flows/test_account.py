"""Explain, replay, dossier: from one answer down to its bytes, again, and without this house."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from case import PERSON, Case
from trivet.cli.explain import lines
from trivet.cli.main import cli
from trivet.contracts.record import Span
from trivet.flows.account_for import account_for, note_access
from trivet.flows.dossier import dossier
from trivet.flows.footing import element, matching
from trivet.flows.receive import Delivery, receive
from trivet.flows.replay import replay, replay_all
from trivet.governance.verify import pack, unpack, verify
from trivet.kernel.digest import canonical, sha256
from trivet.kernel.errors import ChecksFailed, Fault, NotFound, Usage
from trivet.kernel.ieee754 import bits_of
from trivet.kernel.note import NoteSigner


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """A live model, a patient with two facts."""
    made = Case(tmp_path).open()
    yield made
    made.close()


def states(data: bytes, *vkeys: str) -> dict[str, str]:
    """Link -> state."""
    return {line.link: line.state for line in verify(data, list(vkeys))}


def test_every_feature_value_reaches_its_bytes_or_a_recorded_absence(case: Case) -> None:
    """Two values lead to the very bytes that say them, the third to the absence; all of it stands in ledger order."""
    answer = case.ask()
    story = account_for(case.house, answer.decision_id)
    assert story["resolved"] == {"features": 3, "resolved": 3, "bytes": 2, "absence": 1, "erased": 0, "unresolved": 0, "percent": "100.0"}
    assert [[span["text"] for fact in one["facts"] for span in fact["spans"]] for one in story["features"]] == [["92"], ["118"], []]
    for one in story["features"][:2]:
        fact = one["facts"][0]
        raw = case.vault.get(case.ledger.entry(fact["receipt"])["notes"]["blob"])
        span = fact["spans"][0]
        assert raw[span["offset"] : span["offset"] + span["length"]].decode() == fact["value"]
    assert [step["seq"] for step in story["timeline"]] == sorted(step["seq"] for step in story["timeline"])
    assert {"raw.received", "norm.run", "grant", "route", "decision"} <= {step["kind"] for step in story["timeline"]}
    assert account_for(case.house, str(answer.seq)) == story
    assert any("unit" in line and "'92'" in line for line in lines(story))


def test_who_looks_is_recorded_before_anything_is_shown(case: Case) -> None:
    """The access stands in the ledger beside the decision; who it was is in the vault, erasable with the person."""
    answer = case.ask()
    seq = note_access(case.house, account_for(case.house, answer.decision_id), act="explain", door="cli", by="m.okafor")
    entry = case.ledger.entry(seq)
    assert (entry["kind"], entry["refs"], entry["notes"]["act"]) == ("access", [answer.seq], "explain")
    assert b"okafor" not in case.ledger.body(seq)
    assert json.loads(case.vault.get(entry["notes"]["blob"]))["by"] == "m.okafor"
    assert account_for(case.house, answer.decision_id)["after"][0]["seq"] == seq


def test_a_value_without_bytes_is_counted_as_such(case: Case) -> None:
    """A contribution to a record that is not there, or to an element without a span, lowers the percentage; nothing is made up."""
    whole = case.features.one
    case.features.one = lambda *question: broken(whole(*question))  # type: ignore[method-assign]
    answer = case.ask()
    story = account_for(case.house, answer.decision_id)
    assert [one["state"] for one in story["features"]] == ["unresolved", "unresolved", "unresolved"]
    assert story["resolved"]["percent"] == "0.0"


def broken(row: Any) -> Any:
    """A row whose facts lead nowhere."""
    from dataclasses import replace

    first, second, third = row.values
    return replace(
        row,
        values=(
            replace(first, contributions=(first.contributions[0]._replace(record="Observation/none"),)),
            replace(second, contributions=(second.contributions[0]._replace(path="status"),)),
            replace(third, absence=""),
        ),
    )


def test_an_unknown_decision_and_a_changed_record_are_refused(case: Case) -> None:
    """Nobody's decision is NotFound; a record whose blob is not what the ledger committed to is a Fault."""
    with pytest.raises(NotFound, match="no decision"):
        account_for(case.house, "D-999999")
    answer = case.ask()
    other = case.store.write(lambda tx: case.vault.put(tx, b"{}", holder="house", kind="decision"))
    case.store.write(lambda tx: tx.execute("update decision set blob = ? where decision_id = ?", (other, answer.decision_id)))
    with pytest.raises(Fault, match="not the one that was recorded"):
        account_for(case.house, answer.decision_id)


def test_a_replay_is_bit_equal_and_recorded_whatever_came_since(case: Case) -> None:
    """New facts and new decisions change nothing about an old one: class R3, and the replay itself is a ledger entry."""
    first = case.ask()
    receive(case.house, [Delivery(b"4711,hr,140\n", "lab", "lines", "later.lines")])
    second = case.ask()
    told = replay(case.house, first.decision_id)
    assert (told["equal"], told["class"], told["first_difference"]) == (True, "R3", "")
    assert [(one["link"], one["state"]) for one in told["links"]] == [
        (name, "same") for name in ("record", "raw", "fact", "feature", "model", "output")
    ]
    assert case.ledger.entry(told["recorded_at"])["refs"] == [first.seq]
    assert case.ledger.referring(first.seq) == [told["recorded_at"]]
    everything = replay_all(case.house, record=False)
    assert [one["decision_id"] for one in everything] == [first.decision_id, second.decision_id]
    assert all(one["equal"] for one in everything)


def test_a_withheld_decision_replays_too(case: Case) -> None:
    """No model answered: its features and its refusal are compared, and no output is claimed."""
    case.write(lambda tx: case.office.suspend(tx, "readmit-gb", "test", by="ben"))
    answer = case.ask()
    assert answer.outcome == "suspended"
    told = replay(case.house, answer.decision_id, record=False)
    assert (told["equal"], told["class"]) == (True, "R3")
    assert {one["link"]: one["state"] for one in told["links"]}["output"] == "none"


def test_a_replay_names_the_first_link_that_differs(case: Case) -> None:
    """Planted differences at each link: output, model, view, record version. The class is never overclaimed."""
    answer = case.ask()
    model = case.models["readmit-gb"]

    def first() -> tuple[str, str]:
        told = replay(case.house, answer.decision_id, record=False)
        return told["first_difference"], told["class"]

    model.value = 0.25 + 1e-12
    assert first() == ("output", "R2")
    model.value = 0.3
    assert first() == ("output", "R1")
    model.value = 0.25
    model.artefact[0] ^= 1
    assert first() == ("model", "R0")
    model.artefact[0] ^= 1
    case.features.broken = True
    assert first() == ("feature", "R1")
    case.features.broken = False
    del case.registry.models[model.ref.digest]
    assert first() == ("model", "R0")
    case.registry.models[model.ref.digest] = model
    case.store.write(lambda tx: tx.execute("""update record_version set body = replace(body, '"92"', '"93"')"""))
    assert first() == ("fact", "R1")


def test_another_release_that_reads_otherwise_is_said_and_is_no_failure(case: Case) -> None:
    """The versions read then still stand: the link says `moved`, by whom they were read, and the output is bit-equal."""
    answer = case.ask()
    case.house.role.__self__.made["release"] = {"code": "next", "maps": "0" * 64}  # type: ignore[attr-defined]
    formats = case.house.formats["lines"]
    plain = formats.translate
    formats.translate = lambda raw, profile: otherwise(plain(raw, profile))  # type: ignore[method-assign]
    told = replay(case.house, answer.decision_id, record=False)
    states = {one["link"]: one["state"] for one in told["links"]}
    assert (told["equal"], told["class"], states["fact"], states["output"]) == (True, "R3", "moved", "same")


def otherwise(translation: Any) -> Any:
    """The same unit as a later release would read it."""
    for record in translation.records:
        record.resource["status"] = "final"
    return translation


def test_an_erased_person_leaves_proofs_and_no_story(case: Case) -> None:
    """After erasure the record cannot be read, and the ledger entry about it still proves itself."""
    answer = case.ask()
    proof = case.house.role("checkpoints").prove(answer.seq)
    assert case.store.write(lambda tx: case.vault.destroy(tx, f"person:{PERSON}")) == 3  # two units and the record
    with pytest.raises(NotFound, match="erased"):
        account_for(case.house, answer.decision_id)
    assert case.house.role("checkpoints").prove(answer.seq) == proof


def test_a_dossier_verifies_anywhere_in_under_a_second(case: Case, tmp_path: Path) -> None:
    """The script inside, run by an interpreter that sees nothing but the standard library, passes every link and exits 0."""
    answer = case.ask()
    case.happened("display", answer.seq)
    case.happened("outcome", answer.seq)
    made = dossier(case.house, answer.decision_id)
    path = tmp_path / "case.zip"
    path.write_bytes(made["data"])
    (tmp_path / "verify.py").write_bytes(unpack(made["data"])["verify.py"])
    started = time.perf_counter()
    command = [sys.executable, "-I", "-S", "verify.py", "case.zip", "--vkey", made["vkey"]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert time.perf_counter() - started < 1.0
    assert done.returncode == 0, done.stdout
    shown = [line.split()[:2] for line in done.stdout.splitlines()]
    links = ("archive", "log", "raw", "fact", "feature", "model", "authority", "output", "display", "outcome")
    assert shown == [["PASS", link] for link in links]
    assert "a key you gave" in done.stdout


def test_what_is_left_out_is_said(case: Case) -> None:
    """Without raw bytes, or without the record, the links they carry are NOT-DISCLOSED; nothing about them is in the archive."""
    answer = case.ask()
    without_raw = dossier(case.house, answer.decision_id, ["raw"])["data"]
    assert states(without_raw) == dict.fromkeys(states(without_raw), "PASS") | dict.fromkeys(
        ("raw", "fact", "display", "outcome"), "NOT-DISCLOSED"
    )
    lineage = json.loads(unpack(without_raw)["lineage.json"])
    assert [fact["value"] for fact in lineage["facts"]] == [None, None]
    without_record = dossier(case.house, answer.decision_id, ["record"])["data"]
    assert {link for link, state in states(without_record).items() if state == "PASS"} == {"archive", "log", "model", "authority"}
    assert "FAIL" not in states(without_record).values()
    assert PERSON.encode() not in without_record
    with pytest.raises(Usage):
        dossier(case.house, answer.decision_id, ["everything"])


def test_any_changed_byte_fails(case: Case) -> None:
    """Sampled here over the whole file, headers and directory included; `tests/faults` does every byte."""
    data = dossier(case.house, case.ask().decision_id)["data"]
    generator = random.Random(7)
    assert "FAIL" not in states(data).values()
    places = {*generator.sample(range(len(data)), 300), *range(40), *range(len(data) - 40, len(data))}
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << generator.randrange(8)
        assert "FAIL" in states(bytes(changed)).values(), place
    for bad in (data[:-1], data + b"\0", b"", data[:100], b"\0" + data):
        assert "FAIL" in states(bad).values()


def test_a_change_with_a_clean_archive_around_it_fails(case: Case) -> None:
    """Somebody who can write ZIP files changes one byte of any member, removes one or adds one: each of them is found."""
    members = unpack(dossier(case.house, case.ask().decision_id)["data"])
    for name in members:
        for change in (lambda old: bytes([old[0] ^ 1]) + old[1:], lambda old: old[:-1] + bytes([old[-1] ^ 4]), lambda old: old + b" "):
            assert "FAIL" in states(pack([(one, change(old) if one == name else old) for one, old in members.items()])).values(), name
        assert "FAIL" in states(pack([(one, old) for one, old in members.items() if one != name])).values(), name
    assert "FAIL" in states(pack([*members.items(), ("extra", b"")])).values()


def forged(members: dict[str, bytes], **changed: bytes) -> bytes:
    """Members changed, and the manifest made to fit them."""
    members = members | {name.replace("__", "/").replace("_json", ".json"): data for name, data in changed.items()}
    manifest = json.loads(members["manifest.json"])
    manifest["members"] = {name: sha256(members[name]) for name in manifest["members"]}
    members["manifest.json"] = canonical(manifest)
    return pack(list(members.items()))


def test_a_forged_manifest_does_not_carry_the_seal(case: Case) -> None:
    """With all digests made to fit, the seal in the ledger still speaks of the true manifest, and the record of the true output."""
    answer = case.ask()
    members = unpack(dossier(case.house, answer.decision_id)["data"])
    record = json.loads(members["decision.json"])
    record["prediction"] |= {"value": 0.9, "bits": bits_of(0.9)}
    result = states(forged(members, decision_json=canonical(record)))
    assert (result["archive"], result["output"]) == ("FAIL", "FAIL")
    raw = {name: data for name, data in members.items() if name.startswith("raw/")}
    name, data = next(iter(raw.items()))
    assert states(forged(members, **{name.replace("/", "__"): data.replace(b"92", b"93")}))["raw"] == "FAIL"


def test_another_log_does_not_pass_for_this_one(case: Case) -> None:
    """With the hospital's key in hand, an archive of somebody else's log fails, however well it fits together."""
    data = dossier(case.house, case.ask().decision_id)["data"]
    own = case.house.role("checkpoints").signer.verifier.vkey
    other = NoteSigner("north/trivet", bytes(32)).verifier.vkey
    assert states(data, own)["log"] == "PASS"
    assert states(data, other)["log"] == "FAIL"
    assert states(data, "not a key")["log"] == "FAIL"


def test_the_command_verifies_and_fails_by_exit_code(case: Case, tmp_path: Path) -> None:
    """`trivet verify` needs no home; a changed archive is ChecksFailed (exit 6)."""
    data = dossier(case.house, case.ask().decision_id)["data"]
    (tmp_path / "good.zip").write_bytes(data)
    (tmp_path / "bad.zip").write_bytes(data.replace(b"92", b"93", 1))
    good = CliRunner().invoke(cli, ["verify", str(tmp_path / "good.zip"), "--json"])
    assert (good.exit_code, json.loads(good.stdout)["ok"]) == (0, True)
    bad = CliRunner().invoke(cli, ["verify", str(tmp_path / "bad.zip")])
    assert isinstance(bad.exception, ChecksFailed)
    told = CliRunner().invoke(cli, ["verify", str(tmp_path / "bad.zip"), "--json"])
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (6, False)


def test_paths_lead_to_elements_and_spans() -> None:
    """Own span, else those inside, else the smallest around; an index may be left out; nothing leads nowhere."""
    resource = {"name": [{"family": "a", "given": ["b", "c"]}, {"family": "d"}], "birthDate": "2000"}
    assert element(resource, "birthDate") == "2000"
    assert element(resource, "name[0].given[1]") == "c"
    assert element(resource, "name.family") == ["a", "d"]
    assert element(resource, "name[2].family") is None
    spans = [Span(path, 0, 1, "", "") for path in ("name[0]", "name[0].given[0]", "name[0].given[1]", "birthDate")]
    assert [span.path for span in matching(spans, "birthDate")] == ["birthDate"]
    assert [span.path for span in matching(spans, "name[0].given")] == ["name[0].given[0]", "name[0].given[1]"]
    assert [span.path for span in matching(spans, "name[0].family")] == ["name[0]"]
    assert [span.path for span in matching(spans, "name.given")] == ["name[0].given[0]", "name[0].given[1]"]
    assert matching(spans, "gender") == []
