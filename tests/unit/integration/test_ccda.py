"""C-CDA: every entry becomes a record, a reject with its place, or a line of the account; nothing is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Span, Translation
from trivet.integration.formats.ccda import CcdaFormat, markup
from trivet.integration.formats.ccda.lineage import stands_for
from trivet.integration.formats.ccda.reader import DEPTH, parse
from trivet.integration.formats.ccda.rules import codes, kinds, rules
from trivet.integration.formats.ccda.values import HOW, moment
from trivet.integration.tables import table
from trivet.testing.hospital import generate
from trivet.testing.kits.format import FormatKit, related

PROFILE = SourceProfile("practice", "ccda", zone="America/Chicago", system="https://practice.example")
SUMMARY = Path(__file__).parents[2] / "golden/ccda/summary.xml"
FORM = CcdaFormat()


def kit() -> FormatKit:
    """The format kit; a value may also come by a code map or be the name of a code system. Wide documents: see the test of encodings."""

    def known(span: Span, value: Any, text: str) -> bool:
        return related(span, value, text) or stands_for(value, text) or "\0" in text

    return FormatKit(FORM, PROFILE, known)


def of(told: Translation, kind: str) -> list[dict[str, Any]]:
    """Resources of a type."""
    return [record.resource for record in told.records if record.resource["resourceType"] == kind]


def wrapped(section: str, code: str = "11450-4", head: str = "") -> bytes:
    """A small document with one section."""
    return (
        f'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<id root="2.999.1" extension="d1"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="20240102"/>'
        f'<recordTarget><patientRole><id root="2.999.2" extension="p7"/><patient><name><family>Ruiz</family></name>{head}</patient>'
        f"</patientRole></recordTarget><component><structuredBody><component><section>"
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/><title>S</title>'
        f"{section}</section></component></structuredBody></component>"
        "</ClinicalDocument>"
    ).encode()


def problem(value: str, rest: str = "", attributes: str = "") -> str:
    """One entry with a problem observation."""
    return (
        f'<entry><observation classCode="OBS" moodCode="EVN"{attributes}><templateId root="2.16.840.1.113883.10.20.22.4.4"/>'
        f'<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>{rest}{value}</observation></entry>'
    )


ASTHMA = '<value xsi:type="CD" code="195967001" displayName="Asthma" codeSystem="2.16.840.1.113883.6.96"/>'


def test_the_summary_keeps_the_kit() -> None:
    """The golden summary passes every check of the format kit, without a reject, and with at least one record of each kind of section."""
    ((_, told),) = kit().check(SUMMARY.read_bytes())
    assert told.rejects == ()
    made = {record.resource["resourceType"] for record in told.records}
    assert made >= {
        "Patient", "Practitioner", "Organization", "Composition", "DocumentReference", "Condition", "AllergyIntolerance",
        "MedicationStatement", "Immunization", "Observation", "DiagnosticReport", "Procedure", "Encounter", "Goal", "ServiceRequest",
        "FamilyMemberHistory", "Coverage", "Device",
    }  # fmt: skip
    keys = {record.key for record in told.records}
    patient = of(told, "Patient")[0]
    for record in told.records:
        for element in ("subject", "patient", "beneficiary"):
            assert record.resource.get(element, {}).get("reference", f"Patient/{patient['id']}") == f"Patient/{patient['id']}"
    composition = of(told, "Composition")[0]
    listed = {entry["reference"] for section in composition["section"] for entry in section.get("entry", ())}
    assert listed <= keys


def test_facts_of_the_summary() -> None:
    """Values, units, dates with their precision, and statuses come out as the document says."""
    told = FORM.translate(SUMMARY.read_bytes(), PROFILE)
    patient = of(told, "Patient")[0]
    assert patient["birthDate"] == "1961-04-09"
    assert patient["gender"] == "female"
    condition = of(told, "Condition")[0]
    assert condition["onsetDateTime"] == "2011-03"
    assert condition["clinicalStatus"]["coding"][0]["code"] == "active"
    assert [coding["system"] for coding in condition["code"]["coding"]] == ["http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"]
    allergy = of(told, "AllergyIntolerance")[0]
    assert allergy["code"]["coding"][0]["code"] == "7980"
    assert allergy["reaction"][0]["severity"] == "moderate"
    result = next(one for one in of(told, "Observation") if one["code"]["coding"][0]["code"] == "2160-0")
    assert str(result["valueQuantity"]["value"]) == "1.10"
    assert result["effectiveDateTime"] == "2024-01-05T08:30:00-06:00"
    report = of(told, "DiagnosticReport")[0]
    assert {"reference": f"Observation/{result['id']}"} in report["result"]
    assert "<td>1.10</td>" in next(one for one in of(told, "Composition")[0]["section"] if one["title"] == "Results")["text"]["div"]


def test_sample_hospital_documents_convert() -> None:
    """Every document of the practice feed gives a patient and its statements, with no reject and nothing uncovered but its names."""
    papers = [item for item in generate(100, 5) if item.source == "practice"]
    assert papers
    for item in papers:
        ((_, told),) = kit().check(item.payload)
        assert told.rejects == (), item.filename
        assert len(of(told, "Patient")) == 1


@pytest.mark.parametrize(
    ("value", "attributes", "rejects", "conditions"),
    [
        (ASTHMA, "", 0, 1),
        ('<value xsi:type="CD" nullFlavor="UNK"/>', "", 0, 0),
        ("", "", 1, 0),
        (ASTHMA, ' nullFlavor="NI"', 0, 0),
    ],
)
def test_null_is_never_a_default(value: str, attributes: str, rejects: int, conditions: int) -> None:
    """What says nothing makes no record; what should say something and does not is rejected at its place."""
    raw = wrapped(problem(value, attributes=attributes))
    ((_, told),) = kit().check(raw)
    assert len(told.rejects) == rejects
    assert len(of(told, "Condition")) == conditions
    for reject in told.rejects:
        assert raw[reject.offset :].startswith(b"<observation")


def test_one_bad_value_leaves_the_rest() -> None:
    """A date that is none is rejected alone, its bytes named; the other problem and the rest of this one stay."""
    bad = '<effectiveTime><low value="20241399"/></effectiveTime>'
    raw = wrapped(problem(ASTHMA, bad) + problem(ASTHMA.replace("195967001", "38341003")))
    ((_, told),) = kit().check(raw)
    assert [raw[one.offset : one.offset + one.length] for one in told.rejects] == [b"20241399"]
    assert len(of(told, "Condition")) == 2
    assert [element.disposition for element in told.elements if element.disposition == "rejected"] == ["rejected"]


def test_a_negation_is_said_or_refused() -> None:
    """A negated problem is refuted; a negated result, for which there is no element, is rejected and not turned into its opposite."""
    told = FORM.translate(wrapped(problem(ASTHMA, attributes=' negationInd="true"')), PROFILE)
    assert of(told, "Condition")[0]["verificationStatus"]["coding"][0]["code"] == "refuted"
    negated = problem(ASTHMA, attributes=' negationInd="true"').replace("22.4.4", "22.4.2")
    told = FORM.translate(wrapped(negated, "30954-2"), PROFILE)
    assert of(told, "Observation") == []
    assert told.rejects[0].locator.endswith("@negationInd")


def test_an_unknown_template_is_uncovered() -> None:
    """A statement that no row speaks of makes no record, and each of its values stands in the account as uncovered."""
    raw = wrapped(
        '<entry><act classCode="ACT"><templateId root="2.999.77"/><code code="X1" codeSystem="2.999.5"/></act></entry>', "99999-9"
    )
    ((_, told),) = kit().check(raw)
    assert {element.locator.rpartition("/")[2] for element in told.elements if element.disposition == "uncovered"} >= {
        "@code",
        "@codeSystem",
    }


def test_bodies_that_are_no_xml_are_kept() -> None:
    """An embedded PDF is a Binary with the same base64, named by the DocumentReference."""
    raw = wrapped("").partition(b"<structuredBody>")[0] + (
        b'<nonXMLBody><text mediaType="application/pdf" representation="B64">JVBE\nRi0x\n'
        b"</text></nonXMLBody></component></ClinicalDocument>"
    )
    ((_, told),) = kit().check(raw)
    (binary,) = of(told, "Binary")
    assert (binary["contentType"], binary["data"]) == ("application/pdf", "JVBERi0x")
    assert of(told, "DocumentReference")[0]["content"][1]["attachment"]["url"] == f"Binary/{binary['id']}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252"])
def test_encodings_and_their_places(encoding: str) -> None:
    """In every encoding the spans name the document's own bytes."""
    text = wrapped(problem(ASTHMA.replace("Asthma", "Asthmé sévère"))).decode()
    declared = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(encoding, encoding)
    raw = text.replace('version="1.0"', f'version="1.0" encoding="{declared}"', 1).encode(encoding)
    told = FORM.translate(raw, PROFILE)
    assert told.rejects == ()
    record = next(one for one in told.records if one.resource["resourceType"] == "Condition")
    span = next(one for one in record.spans if one.path == "code.coding[0].display")
    plain = encoding.removesuffix("-sig") if encoding != "utf-16" else "utf-16-le"
    assert raw[span.offset : span.offset + span.length].decode(plain) == "Asthmé sévère"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><ClinicalDocument/>', "E245"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><ClinicalDocument/>', "E245"),
        (b"<ClinicalDocument>" + b"<a>" * (DEPTH + 1), "E246"),
        (b"<ClinicalDocument><" + b"a" * 2000 + b"/></ClinicalDocument>", "E246"),
        (b"<ClinicalDocument><a></b></ClinicalDocument>", "E243"),
        (b"<ClinicalDocument><a>\xff\xfe</a></ClinicalDocument>", "E243"),
        (b'<?xml version="1.0" encoding="koi8-r"?><ClinicalDocument/>', "E244"),
        (b"<html/>", "E249"),
        (b"", ""),
    ],
)
def test_what_cannot_be_read_is_one_reject(raw: bytes, code: str) -> None:
    """Entities, depth, broken tags, foreign encodings and other roots: refused with a place, never fetched, never raised."""
    told = FORM.translate(raw, PROFILE)
    assert told.records == ()
    assert [reject.code for reject in told.rejects] == ([code] if code else [])


def test_random_damage() -> None:
    """Three hundred damaged documents: no exception, no lost byte, each element once, every span true."""
    kit().torture([SUMMARY.read_bytes(), wrapped(problem(ASTHMA))], rounds=60, seed=3)


@pytest.mark.long
def test_much_random_damage() -> None:
    """The same, for longer and from other seeds."""
    for seed in range(10):
        kit().torture([SUMMARY.read_bytes(), wrapped(problem(ASTHMA)), SUMMARY.read_text().encode("utf-16")], rounds=300, seed=seed)


def test_repeated_people_are_one_record() -> None:
    """Two mentions of one author make one Practitioner, and both places are in its lineage."""
    author = (
        '<author><time value="20240101"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="111"/>'
        "<assignedPerson><name><family>Okoye</family></name></assignedPerson></assignedAuthor></author>"
    )
    told = FORM.translate(wrapped(problem(ASTHMA, author) + problem(ASTHMA.replace("195967001", "38341003"), author)), PROFILE)
    (person,) = [record for record in told.records if record.resource["resourceType"] == "Practitioner"]
    assert len({span.offset for span in person.spans if span.path == "name[0].family"}) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024", "2024"), ("202403", "2024-03"), ("20240309", "2024-03-09"), ("2024030914", "2024-03-09"),
        ("202403091405", "2024-03-09T14:05:00-06:00"), ("20240309140501.25+0100", "2024-03-09T14:05:01.25+01:00"),
    ],
)  # fmt: skip
def test_moments_keep_their_precision(text: str, said: str) -> None:
    """As exact as the source and no more; without an offset, in the zone of the feed."""
    assert moment(text, "America/Chicago") == said


def test_tables_hang_together() -> None:
    """Every kind, way, group, code map and place that a table names exists."""
    names = {row["entry"] for row in table("ccda/fields.csv")}
    for name in names:
        for rule in rules(name):
            assert rule.how in HOW or rule.how in ("group", "group-if-none", "reference", "latest", "link", "drop"), rule
            if rule.how.startswith("group"):
                assert rule.argument in names, rule
            elif rule.how in ("reference", "latest"):
                assert rule.argument in kinds(), rule
            elif rule.how in ("map-code", "map-concept", "map-coding", "map-word"):
                assert codes(rule.argument.partition("@")[0]), rule
    for row in table("ccda/entries.csv"):
        assert row["kind"] in kinds() or row["kind"] in ("box", "part"), row
        assert row["kind"] not in kinds() or rules(row["kind"]), row


def test_the_tree_names_every_place() -> None:
    """Attribute values with entities, in either quotes, and text around comments have their own bytes."""
    raw = b"""<a x='1 &amp; 2' y="z"> t<!-- c -->u <b/> v</a>"""
    root = parse(raw).root
    found = {(leaf.text.strip(), raw[leaf.offset : leaf.offset + leaf.length]) for leaf in root.leaves()}
    assert found == {("1 & 2", b"1 &amp; 2"), ("z", b"z"), ("t", b"t"), ("u", b"u"), ("v", b"v")}


def test_however_a_document_is_written_its_bytes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Single quotes, `>` and line ends in values, CDATA, comments and instructions inside text, letters of several bytes, prefixes: the
    texts are those of XML, their places those of the document, wherever the text is cut."""
    written = (
        '<?xml version=\'1.0\'?><!-- <a b="c"> --><ClinicalDocument xmlns=\'urn:hl7-org:v3\' xmlns:s="urn:hl7-org:sdtc" à="x" é = "ü">'
        "<a  ID='one'\n b=\"p>q\r\nr\"\n/><s:raceCode code='1 &amp; &#x41;'></s:raceCode ><a> <![CDATA[ <é> & ]]> z<?pi a>b?>\u00a0w"
        "<b/>&lt;\r\n"
        "<!----> </a><b xmlns='urn:hl7-org:sdtc'><c/></b><b c=''/></ClinicalDocument><!-- end -->"
    ).encode()
    said = {
        "/ClinicalDocument/@xmlns": ("urn:hl7-org:v3", "urn:hl7-org:v3"),
        "/ClinicalDocument/@xmlns:s": ("urn:hl7-org:sdtc", "urn:hl7-org:sdtc"),
        "/ClinicalDocument/@à": ("x", "x"),
        "/ClinicalDocument/@é": ("ü", "ü"),
        "/ClinicalDocument/a/@ID": ("one", "one"),
        "/ClinicalDocument/a/@b": ("p>q r", "p>q\r\nr"),
        "/ClinicalDocument/sdtc:raceCode/@code": ("1 & A", "1 &amp; &#x41;"),
        "/ClinicalDocument/a[2]/text()": ("  <é> &  z", "<![CDATA[ <é> & ]]> z"),
        "/ClinicalDocument/a[2]/text()[2]": ("\u00a0w", "\u00a0w"),
        "/ClinicalDocument/a[2]/text()[3]": ("<\n", "&lt;"),
        "/ClinicalDocument/sdtc:b/@xmlns": ("urn:hl7-org:sdtc", "urn:hl7-org:sdtc"),
    }
    for size in (1 << 20, 1, 7, 40):
        monkeypatch.setattr(markup, "CHUNK", size)
        tree = parse(written)
        found = {leaf.locator: (leaf.text, written[leaf.offset : leaf.offset + leaf.length].decode()) for leaf in tree.root.leaves()}
        assert found == said
        assert [node.path for node in tree.nodes[-4:]] == [
            "/ClinicalDocument/a[2]/b", "/ClinicalDocument/sdtc:b", "/ClinicalDocument/sdtc:b/sdtc:c", "/ClinicalDocument/b",
        ]  # fmt: skip
        assert written[tree.root.end :].startswith(b"</ClinicalDocument>")
        assert tree.named["one"].path == "/ClinicalDocument/a"
