"""A marked patient through every door and every command: the marks stay in the vault and in what was asked for by name.

The marks are a name, a record number, a birth date, a street and a telephone number. They come in through HL7 v2, FHIR, X12
and tables, well-formed and broken. Afterwards they may stand in records (that is what records are for) and in the answers that exist
to show them; not in what a command says on its way, an error, a ledger entry, an exported tile, a console page or a file's name.

What a feed calls its fields (JSON properties, column headings) is structure, not a value: it is listed so that somebody can map it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from _pytest.capture import FDCapture
from tests.walk.test_decide_walk import SIGNS, item

from outgoing_ward import KEY
from peers import FhirShelf, HttpPeer, MllpPeer
from trivet.cli.main import COMMANDS, main
from trivet.console.app import build_app
from trivet.console.pages import PAGES
from trivet.contracts.house import House
from trivet.flows.found import found
from trivet.kernel.resources import text
from trivet.models.registry import adopt
from trivet.wiring.build import init_home, open_home

pytestmark = pytest.mark.long

NOW = "2026-03-01T08:00:00.000000Z"
NAME, MRN, BORN, STREET, PHONE = "ZZCANARYZZ", "QX7740019283", "19310713", "91 QUILLFEATHER PASSAGE", "5550177642"
MARKS = (NAME, MRN, BORN, "1931-07-13", STREET, "QUILLFEATHER", PHONE)

PID = f"PID|1||{MRN}^^^HOSP^MR||{NAME}^ORLA^Q||{BORN}|F|||{STREET}^^RIVERBEND^OR^97001||{PHONE}"


def hl7(number: int, event: str, *rest: str) -> str:
    """One message about the marked patient."""
    kind = f"{event}^{event.replace('^', '_')}"
    return "\r".join([f"MSH|^~\\&|ADT|HOSP|TRIVET|HOSP|20260301070000||{kind}|C{number}|P|2.5.1", PID, *rest]) + "\r"


def feeds() -> dict[str, dict[str, str]]:
    """Source -> file name -> content; the names of the files are nobody's."""
    visit = "PV1|1|I|W1^1^1^HOSP||||||||||||||||V77|||||||||||||||||||||||||20260301070000"
    result = f"OBX|1|NM|718-7^Hemoglobin^LN||{NAME}|g/dL||||F|||20260301070000"  # a name where a number belongs
    odd = f"OBX|2|TS|X1^Odd^99LOC||{STREET}||||||F|||{PHONE}"  # a street where a time belongs
    whole = hl7(1, "ADT^A01", visit) + hl7(2, "ORU^R01", "OBR|1|||CBC^Blood count^99LOC", result, odd)
    later = hl7(3, "ADT^A08", visit, f"ZPI|1|{NAME}|{PHONE}|{STREET}", f"NK1|1|{NAME}^BEA|SPO|{STREET}|{PHONE}")
    broken = hl7(4, "ADT^A01", visit).replace(BORN, NAME) + f"{NAME} is no segment|{MRN}\r" + hl7(5, "ADT^Z99", visit)
    about = {"reference": "Patient/x1"}
    person = {
        "resourceType": "Patient",
        "id": "x1",
        "identifier": [{"system": "urn:mrn", "value": MRN}],
        "name": [{"family": NAME, "given": ["Orla"]}],
        "birthDate": "1931-07-13",
        "telecom": [{"system": "phone", "value": PHONE}],
        "address": [{"line": [STREET]}],
    }
    seen = [person]
    for number, (code, (value, unit)) in enumerate(SIGNS.items()):
        what = {"coding": [{"system": "http://loinc.org", "code": code}]}
        quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        one = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": what, "subject": about}
        seen.append({**one, "effectiveDateTime": "2026-03-01T07:30:00Z", "valueQuantity": quantity})
    mind = {"coding": [{"system": "http://loinc.org", "code": "67775-7"}]}
    one = {"resourceType": "Observation", "id": "mind", "status": "final", "code": mind, "subject": about}
    seen.append({**one, "effectiveDateTime": "2026-03-01T07:40:00Z", "valueString": "Alert"})
    good = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in seen]}
    bad = {**person, "birthDate": NAME, "id": f"{NAME} {MRN}", "odd": STREET, "gender": {"value": NAME}}
    strange = {**person, "id": "x2", "odd": STREET, "name": [{"family": NAME, "odd": MRN}], "contact": [{"odd": {"text": NAME}}]}
    claim = (
        "ISA*00*          *00*          *ZZ*SENDER001      *ZZ*RECEIVER01     *260301*0915*^*00501*000000101*1*T*:~"
        "GS*HC*SENDER001*RECEIVER01*20260301*0915*101*X*005010X222A1~ST*837*0001*005010X222A1~BHT*0019*00*B0001*20260301*0915*CH~"
        "NM1*41*2*RIVERBEND CLEARING*****46*SENDER001~PER*IC*DESK*TE*5550100000~NM1*40*2*LARCH*****46*RECEIVER01~HL*1**20*1~"
        "NM1*85*2*RIVERBEND CLINIC*****XX*1234567893~N3*10 MILL ROAD~N4*RIVERBEND*OR*970010000~REF*EI*930000001~HL*2*1*22*0~"
        f"SBR*P*18*GRP7******MB~NM1*IL*1*{NAME}*ORLA****MI*{MRN}~N3*{STREET}~N4*RIVERBEND*OR*97001~DMG*D8*{BORN}*F~"
        "NM1*PR*2*LARCH*****PI*LHP~CLM*RB-1*210.50***11:B:1*Y*A*Y*Y~HI*ABK:I10~LX*1~SV1*HC:99214*210.50*UN*1***1~DTP*472*D8*20260228~"
        "SE*23*0001~GE*1*101~IEA*1*000000101~"
    )
    # synthetic column names of the shipped example of a table map; the second row is torn, the third has a name where a date belongs
    head = "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,MIDDLE,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,CITY,ADDRESS"
    rows = [f"{MRN},1931-07-13,,,,,,Orla,,{NAME},,,,,,F,,{STREET}", f'{MRN},"{NAME}', f"{MRN},{NAME},,,,,,Orla,,{NAME},,,,,,F,,{STREET}"]
    return {
        "admissions": {"a.hl7": whole, "b.hl7": later, "c.hl7": broken, "d.hl7": f"MSH|^~\\&|ADT\rPID|{NAME}"},
        "ehr": {
            "a.json": json.dumps(good),
            "b.json": json.dumps(bad),
            "c.json": json.dumps(person)[:-9],
            "d.ndjson": f'{{"{NAME}": 1}}\n[]\n',
            "e.json": json.dumps(strange),
        },
        "billing": {
            "a.edi": claim,
            "b.edi": claim.replace(f"DMG*D8*{BORN}", f"DMG*D8*{NAME}").replace("SE*23*0001", f"SE*{NAME}*9"),
            "c.edi": claim[:400],
            "d.edi": claim.replace("CLM*RB-1*210.50", f"CLM*{MRN}*{NAME}").replace("SV1*HC", f"{NAME}*HC"),
        },
        "tables": {"patients.csv": "\n".join([head, *rows]) + "\n", "odd.csv": f"{NAME},{MRN}\n{STREET}\n"},
        "nobody-knows": {"x.bin": f"\x01\x02 {NAME} {MRN}", "y.txt": f"{NAME}\n{STREET}"},
    }


class Streams:
    """What is written to both streams since the last look; file descriptors too, so that a library's warning counts."""

    def __enter__(self) -> Streams:
        self.held = (FDCapture(1), FDCapture(2))
        for one in self.held:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.held:
            one.done()

    def readouterr(self) -> tuple[str, str]:
        """Standard output and standard error."""
        return str(self.held[0].snap()), str(self.held[1].snap())


@dataclass
class Walk:
    """A home, and everything that was said on the way: (what said it, the words)."""

    home: Path
    folder: Path
    capture: Streams
    said: list[tuple[str, str]] = field(default_factory=list)
    exits: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    def run(self, *words: str, data: bool = False) -> str:
        """One command, as people read it and as JSON. `data`: its answer is what was asked for by name, so only its errors are kept."""
        out = ""
        for form in ((), ("--json",)):
            try:
                main([*words, *form])
            except SystemExit as done:
                self.exits[words[0]] = int(done.code or 0)
            out, err = self.capture.readouterr()
            self.said.append((" ".join([*words, *form]), err if data else out + err))
        return out


def destinations(home: Path, ports: tuple[int, int, int]) -> None:
    """Three ways out, each with the marked patient's own number to name; and one that is not there."""
    secret = home / "keys" / "app.secret"
    secret.write_text(KEY + "\n")
    secret.chmod(0o600)
    whose = 'options = { patient_system = "urn:mrn" }'
    full = 'options = { patient_system = "urn:mrn", payload = "full-resource" }\nsecret = "keys/app.secret"'
    kinds = {
        "lis": ("hl7v2", f"mllp://127.0.0.1:{ports[0]}", whose),
        "ehr": ("fhir", f"http://127.0.0.1:{ports[1]}/fhir", whose),
        "app": ("webhook", f"http://127.0.0.1:{ports[2]}/", full),
        "gone": ("fhir", "http://127.0.0.1:9/fhir", whose),
    }
    with (home / "trivet.toml").open("a", encoding="utf-8") as file:
        for name, (kind, url, more) in kinds.items():
            file.write(f'\n[destinations.{name}]\nkind = "{kind}"\nurl = "{url}"\nuses = ["*"]\nwithheld = true\n{more}\n')


def delivered(walk: Walk, peers: tuple[MllpPeer, HttpPeer, HttpPeer], at: tuple[str, str]) -> None:
    """Everything goes out, is refused, is sent again; what the peers heard is kept to show that it spoke of the patient."""
    for _ in range(2):
        walk.run("outbox", "send", *at)
    for words in (("list",), ("list", "--state", "dead"), ("list", "--destination", "gone"), ("show", "lis", "1"), ("show", "gone", "1")):
        walk.run("outbox", *words, *at)
    for words in (("resend", "lis", "1"), ("resend", "lis", "1", "--fresh"), ("resend", "gone", "99"), ("send", "lis")):
        walk.run("outbox", *words, *at)
    walk.run("outbox", "show", "lis", "1", "--body", "--reason", "audit", *at, data=True)
    walk.run("outbox", "key")
    walk.run("outbox", "prune", "--before", "2020-01-01T00:00:00Z", *at)
    walk.run("query", "select * from outbox", *at)
    walk.run("query", "select * from subscriptions", *at)
    walk.sent += [message.decode() for message in peers[0].heard]
    walk.sent += [body.decode() for peer in peers[1:] for _, _, _, body in peer.requests]
    for peer in peers:
        peer.close()


def story(walk: Walk) -> str:
    """The whole walk; gives the id of a decision."""
    at = ("--home", str(walk.home))
    says_it = (422, {}, json.dumps({"resourceType": "OperationOutcome", "text": f"no {NAME} {MRN} here"}).encode())
    peers = (MllpPeer(("AE", "AR", "close")), HttpPeer(FhirShelf()), HttpPeer())
    peers[1].plan.append(says_it)
    destinations(walk.home, (peers[0].port, peers[1].port, peers[2].port))
    for source, files in feeds().items():
        folder = walk.folder / source
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content.encode())
        more = ("--format", "csv") if source == "tables" else ()
        walk.run("receive", str(folder), "--source", source, *more, *at)
        walk.run("translate", str(folder), "--source", source, *more, "--out", str(walk.folder / f"out-{source}"))
    for form in ("fhir", "x12", "hl7v2"):  # the wrong reader for it
        walk.run("receive", str(walk.folder / "nobody-knows"), "--source", f"wrong-{form}", "--format", form, *at)
    walk.run("reconcile", *at)
    walk.run("check", *at)
    listed = json.loads(walk.run("check", "--list", *at))["checks"]
    for check in listed:
        walk.run("check", check["check"], *at)
    walk.run("link", *at)
    for words in (
        ("lookup", "http://hl7.org/fhir/administrative-gender", MRN),
        ("validate", "http://hl7.org/fhir/administrative-gender", "female"),
        ("list",),
    ):
        walk.run("terminology", *words, *at)
    walk.run("terminology", "suggest", *at)
    walk.run("terminology", "changes", "SCT", "--from", "1", "--to", "2", *at)
    about = ("--source", "lab", "--system", "urn:x", "--target", "LOINC", "718-7", "--by", "dr. lab", "--reason", "sheet")
    walk.run("terminology", "accept", "X1", *about, *at)
    for wrong in (
        "select body::int from records",
        "select cast(body as timestamp) from records where type = 'Patient'",
        "select body::json->>'nowhere' from record where 1",
        "select error(body) from records",
        "select strptime(body, '%Y') from records",
        "delete from records",
    ):
        walk.run("query", wrong, *at)
    shown = walk.run("query", "select * from records", *at, data=True)  # records are what this command is asked for
    assert NAME in shown
    person = json.loads(walk.run("query", "select distinct person from records where subject is not null and source = 'ehr'", *at))["rows"]
    people = [row["person"] for row in person if row["person"]]
    everybody = json.loads(walk.run("query", "select distinct person from records where person is not null", *at))["rows"]
    for one in people:
        walk.run("decide", "--use", "deterioration", "--person", one, *at)
        walk.run("decide", "--use", "readmission", "--person", one, *at)
    walk.run("decide", "--use", "deterioration", "--person", "p-nobody", *at)
    delivered(walk, peers, at)
    scored = json.loads(walk.run("query", "select decision_id from decisions where outcome = 'scored'", *at))
    name = scored["rows"][0]["decision_id"]
    walk.run("explain", name, *at, data=True)  # spans are shown here by design, after the access was recorded
    walk.run("replay", "--all", *at)
    walk.run("dossier", name, "--out", str(walk.folder / "case.zip"), *at)
    walk.run("verify", str(walk.folder / "case.zip"))
    for words in (
        ("promote", "--list"),
        ("promote", "news2", "--dry-run"),
        ("approve", "news2"),
        ("seat",),
        ("suspend", "news2", "--drill"),
    ):
        walk.run(*words, *at)
    for word in ("readiness", "debt", "value", "fsck", "doctor"):
        walk.run(word, *at)
    for figure in json.loads(walk.run("readiness", *at))["domains"]:
        for each in figure["figures"]:
            walk.run("readiness", "--rows", each["id"], *at)
    walk.run("register", "list", *at)
    for source in (*feeds(), "nobody-knows"):
        walk.run("register", source, *at)
        walk.run("register", source, "--since", "2026-02-01", "--until", "2026-03-02", "--diff", *at)
    walk.run("rebuild", *at)
    walk.run("ledger", "checkpoint", *at)
    walk.run("ledger", "export", "--tiles", str(walk.folder / "tiles"), *at)
    walk.run("ledger", "verify", *at)
    walk.run("ledger", "prove", "3", *at)
    walk.run("suspend", "news2", "--reason", "second look", *at)
    walk.run("query", "select * from records", "--role", "clinician", "--purpose", "HRESCH", "--reason", NAME, *at)
    key, out = str(walk.folder / "export.key"), walk.folder / "deidentified"
    walk.run("deidentify", str(walk.folder / "ehr"), "--new-key", key, "--out", str(out))
    for file in out.iterdir():
        walk.said.append((f"deidentified {file.name}", file.read_text("utf-8", "replace")))
    walk.run("outbox", "list", *at)
    walk.run("validate", str(walk.folder / "ehr"))
    walk.run("dqd", str(walk.folder / "no-such-database"))
    walk.run("poll", *at)
    walk.run("client-key", "list", *at)
    walk.run("remap", *at)
    walk.run("remap", "--state", "quarantined", *at)
    walk.run("retain", *at)
    walk.run("repair", "find", *at)
    for row in json.loads(walk.run("repair", "list", *at))["repairs"]:
        walk.run("repair", "show", row["repair"], *at, data=True)  # values are shown here by design, after the access was recorded
        for act in ("accept", "undo", "reject"):
            walk.run("repair", act, row["repair"], "--by", NAME, "--reason", NAME, *at)
    walk.run("piqi", *at)
    walk.run("piqi", str(walk.folder / "ehr"))
    walk.run("omop", "build", str(walk.folder / "omop"), *at)
    walk.run("omop", "convert", str(walk.folder / "ehr"), "--out", str(walk.folder / "omop-of-files"))
    walk.run("meds", "--out", str(walk.folder / "meds"), *at)
    for words in (("publish",), ("hold", "case"), ("list",), ("prove", "case"), ("compact",), ("release", "case"), ("expire",)):
        walk.run("shelf", *words, *at)
    erased = shutil.copytree(walk.home, walk.folder / "erased")
    for one in (row["person"] for row in everybody):
        walk.run("hold", one, "--reason", NAME, "--home", str(erased))
        walk.run("erase", one, "--reason", "request", "--home", str(erased))
        walk.run("hold", one, "--release", "--reason", NAME, "--home", str(erased))
        walk.run("erase", one, "--reason", NAME, "--home", str(erased))
    for words in (("explain", name), ("replay", "--all"), ("fsck",), ("rebuild", "--check"), ("hold", "--list")):
        walk.run(*words, "--home", str(erased))
    return str(name)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Walk, str]:
    """The home after the walk, what was said, and one decision."""
    folder = tmp_path_factory.mktemp("walk")
    home = folder / "home"
    init_home(home, synthetic=True, today=NOW).close()
    adopt("news2", "1.0.0", home / "models")
    house = open_home(home)
    release = house.registry.manifest("news2", "1.0.0").release("k.datta")
    staff = tomllib.loads(text("trivet.maps", "governance", "staff-sample.toml"))
    staff = {"people": staff["people"], "seats": {"news2": staff["seats"]["news2"]}, "models": {"news2": staff["models"]["news2"]}}
    found(house, staff, [release], [item(release, one) for one in ("intended-use", "local-validity", "subgroup-validity")])
    house.close()
    walk = Walk(home, folder, Streams())
    with walk.capture:
        name = story(walk)
    return walk, name


def leaks(said: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """(who, mark, the words around it) of every mark that came out."""
    got = []
    for who, words in said:
        for mark in MARKS:
            place = words.upper().find(mark)
            if place >= 0:
                got.append((who, mark, words[max(0, place - 120) : place + 40]))
    return got


def test_nothing_said_on_the_way(walked: tuple[Walk, str]) -> None:
    """No line on either stream, no error, no JSON answer bears a mark; and the walk really went everywhere."""
    walk, _ = walked
    assert leaks(walk.said) == []
    untouched = {"demo", "init", "up", "conform", "view"}
    assert set(walk.exits) == set(COMMANDS) - untouched
    assert 1 not in walk.exits.values(), {word: code for word, code in walk.exits.items() if code == 1}


def test_nothing_in_the_ledger(walked: tuple[Walk, str]) -> None:
    """No entry's body, no exported file and no file's name, in the home or in the export, bears a mark."""
    walk, _ = walked
    house = open_home(walk.home)
    bodies = [(f"entry {seq}", body.decode()) for seq, body in house.ledger.bodies(0, house.ledger.size())]
    house.close()
    kinds = {json.loads(body)["kind"] for _, body in bodies}
    assert {"raw.received", "decision", "denial", "access", "replay"} <= kinds, kinds
    assert leaks(bodies) == []
    tiles = [path for path in (walk.folder / "tiles").rglob("*") if path.is_file()]
    assert tiles
    assert leaks([(str(path), path.read_bytes().decode("latin-1")) for path in tiles]) == []
    assert leaks([("file name", str(path)) for path in walk.folder.rglob("*")]) == []


def test_nothing_in_the_outbox(walked: tuple[Walk, str]) -> None:
    """The patient really went out, and yet no row of the outbox, its attempts or subscriptions bears a mark."""
    walk, _ = walked
    assert any(NAME in said for said in walk.sent)
    assert any(MRN in said for said in walk.sent)
    house = open_home(walk.home)
    rows = [
        (table, repr(row))
        for table in ("out_message", "out_attempt", "out_subscription")
        for row in house.store.read(f"SELECT * FROM {table}")
    ]
    kinds = {house.ledger.entry(seq)["kind"] for seq in range(house.ledger.size())}
    house.close()
    assert len(rows) > 5
    assert leaks(rows) == []
    assert {"sent", "acknowledged", "unacknowledged", "outbox"} <= kinds


def test_nothing_is_left_of_who_was_erased(walked: tuple[Walk, str]) -> None:
    """After everybody in a copy of the home was erased no file of it holds a mark, in whatever case of letters; fsck and rebuild agree."""
    walk, _ = walked
    files = [path for path in (walk.folder / "erased").rglob("*") if path.is_file()]
    assert any(path.name == "home.db" for path in files)
    held = [(str(path), path.read_bytes().decode("latin-1")) for path in files]
    assert leaks([one for one in held if not one[0].endswith(".toml")]) == []
    assert (walk.exits["erase"], walk.exits["fsck"], walk.exits["rebuild"]) == (5, 0, 0)  # asked a second time, nobody is found


def addresses(house: House, name: str) -> list[str]:
    """Every page of the console, each of its kinds of thing filled with all there are."""

    def column(sql: str) -> list[str]:
        return [str(row[0]) for row in house.shelf.query(sql)[1]]

    figures = house.role("assessment").readiness()
    things = {
        "/sources/{name}": [("name", one) for one in column("select source from sources")],
        "/sources/{name}/register": [("name", one) for one in column("select source from sources")],
        "/messages/{receipt}": [("receipt", one) for one in column("select receipt from messages")],
        "/data/checks/{id}": [("id", one) for one in column("select distinct check_id from checks")],
        "/data/reviews/{id}": [("id", one) for one in column("select review from reviews")],
        "/models/{name}": [("name", "news2")],
        "/decisions/{id}": [("id", one) for one in column("select decision_id from decisions")],
        "/decisions/{id}/replay": [("id", name)],
        "/n/{name}": [("name", figure.id) for domain in figures.domains for figure in domain.figures],
        "/evidence/{seq}": [("seq", str(seq)) for seq in range(0, house.ledger.size(), 7)],
    }
    found = []
    for path, method, _ in PAGES:
        if method == "GET":
            found += [path.replace("{" + key + "}", value) for key, value in things[path]] if "{" in path else [path]
    return found


def test_nothing_on_a_page(walked: tuple[Walk, str]) -> None:
    """No page of the console, as HTML or as JSON, bears a mark before somebody asked to see it and that was recorded."""
    walk, name = walked
    house = open_home(walk.home)
    said, statuses = [], {}

    async def look() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app(house)), base_url="http://console") as client:
            for address in addresses(house, name):
                for form in (address, (address.rstrip("/") or "/index") + ".json"):
                    answer = await client.get(form)
                    statuses[form] = answer.status_code
                    said.append((form, answer.text))
            said.append(("not there", (await client.get("/nowhere")).text))

    asyncio.run(look())
    house.close()
    assert {status for form, status in statuses.items()} == {200}, {form: status for form, status in statuses.items() if status != 200}
    assert len(statuses) > 60
    assert leaks(said) == []
