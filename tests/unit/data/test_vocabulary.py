"""The embedded terminology over releases in their publishers' layouts: every answer names its version, nothing unknown is called valid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import releases
from trivet.contracts.terminology import Coding
from trivet.data.vocabulary import Embedded, open_embedded
from trivet.data.vocabulary.items import Edge, Edition, Entry, Item
from trivet.data.vocabulary.library import Library
from trivet.data.vocabulary.loading import load
from trivet.kernel.errors import NotFound, Usage

AT = "2026-03-01T08:00:00.000000Z"
SCT, LOINC, RXNORM, CPT = (
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://www.ama-assn.org/go/cpt",
)
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
GENDER = "http://hl7.org/fhir/administrative-gender"
VS = "http://house.example/vs/"


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """What ships, and one small release of each kind."""
    home = tmp_path_factory.mktemp("vocabulary")
    found = open_embedded(home, {"at": AT})
    for kind, make, release in (
        ("snomed", releases.snomed, ""),
        ("loinc", releases.loinc, "2.81"),
        ("rxnorm", releases.rxnorm, "03022026"),
        ("cpt", releases.cpt, "2026"),
        ("fhir", releases.fhir, ""),
    ):
        done = load(found.library, kind, make(home / kind), release, AT)
        assert not done["same"]
        assert len(done["digest"]) == 64
    yield found
    found.close()


def codes(terms: Embedded, name: str) -> list[str]:
    """The codes of one of the fixture's value sets."""
    return [one.code for one in terms.expand(VS + name).codes]


def test_what_ships_is_there_at_once(terms: Embedded) -> None:
    """HL7's systems and value sets answer in a new home, with FHIR's version."""
    found = terms.lookup(GENDER, "female")
    assert (found.display, found.version, found.active) == ("Female", "4.0.1", True)
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert terms.validate(Coding(GENDER, "female"), valueset=gender).result == "valid"
    assert terms.validate(Coding(GENDER, "F")).result == "invalid"
    assert terms.expand(gender).total == 4
    assert terms.expand(gender, text="fem").codes[0].code == "female"


def test_ucum_by_its_grammar(terms: Embedded) -> None:
    """Any UCUM code is looked up and validated without a list, and a whole UCUM value set knows its members but is not listed."""
    assert terms.lookup("http://unitsofmeasure.org", "mg/dL").display == "(milligram) / (deciliter)"
    assert terms.validate(Coding("http://unitsofmeasure.org", "m[degF]")).version == "2.2"
    assert terms.validate(Coding("http://unitsofmeasure.org", "mg/dl ")).result == "invalid"
    assert terms.validate(Coding("http://unitsofmeasure.org", "mg/dL"), valueset=VS + "units").result == "valid"
    with pytest.raises(Usage) as error:
        terms.expand(VS + "units")
    assert error.value.code == "E377"


def test_an_unknown_system_or_version_is_unknown_and_never_valid(terms: Embedded) -> None:
    """Nobody loaded it: the verdict is `unknown`, with the reason, also for a version that is not here."""
    nowhere = terms.validate(Coding("http://nowhere.example", "1"))
    assert (nowhere.result, nowhere.messages) == ("unknown", ("unknown code system",))
    old = terms.validate(Coding(LOINC, "9001-1", "2.50"))
    assert old.result == "unknown"
    assert "loaded: 2.81" in old.messages[0]
    assert terms.subsumes("http://nowhere.example", "1", "2").outcome == "unknown"
    with pytest.raises(NotFound):
        terms.lookup("http://nowhere.example", "1")
    with pytest.raises(NotFound):
        terms.expand(VS + "missing")


def test_snomed_rf2(terms: Embedded) -> None:
    """Names, a synonym with quotes, poly-hierarchy, the retired concept, the inactive relationship, the version URI of the files."""
    version = "http://snomed.info/sct/900000000000207008/version/20260101"
    found = terms.lookup("SCT", "30")
    assert (found.display, found.version, found.parents) == ("Cardiopulmonary disorder (disorder)", version, ("20", "21"))
    assert 'Heart "and" lung trouble' in {one["text"] for one in found.designations}
    assert terms.subsumes(SCT, "10", "30").outcome == "subsumes"
    assert terms.subsumes(SCT, "30", "21").outcome == "subsumed-by"
    assert terms.subsumes(SCT, "21", "40").outcome == "not-subsumed", "an inactive relationship says nothing"
    assert terms.subsumes(SCT, "40", "40").outcome == "equivalent"
    retired = terms.validate(Coding(SCT, "99"))
    assert (retired.result, retired.active) == ("valid", False)
    assert "retired" in retired.messages[0]
    assert ("363698007", "30000") in terms.lookup(SCT, "20").properties


def test_loinc_rxnorm_and_cpt(terms: Embedded) -> None:
    """Each layout's own facts come through: parts, successor, kind of drug, ingredient, obsolete codes, the licence text left out."""
    creatinine = terms.lookup(LOINC, "9001-1")
    assert {("SYSTEM", "Ser/Plas"), ("EXAMPLE_UCUM_UNITS", "mg/dL")} <= set(creatinine.properties)
    assert terms.subsumes(LOINC, "LP1-1", "9001-1").outcome == "subsumes"
    assert terms.lookup(LOINC, "LP2-2").abstract
    gone = terms.lookup(LOINC, "9006-0")
    assert not gone.active
    assert ("MAP_TO", "9005-2") in gone.properties
    drug = terms.lookup(RXNORM, "5002")
    assert drug.display == "examplin 10 MG Oral Tablet"
    assert {("TTY", "SCD"), ("has_ingredient", "5001")} <= set(drug.properties)
    assert not terms.lookup(RXNORM, "5003").active
    assert terms.lookup(CPT, "0001T").display == "Invented device"
    assert [row[3] for row in terms.library.rows("load_find", *loaded(terms, "cpt"))] == [2]


def test_icd10cm_of_a_year_is_read_from_its_order_file(tmp_path: Path) -> None:
    """The file that is named is what is loaded: codes with their dot, both titles, what stands under what, what may be billed; the year
    comes from the file's name."""
    terms = open_embedded(tmp_path, {"at": AT})
    done = load(terms.library, "icd10cm", releases.icd10cm(tmp_path / "icd"), "", AT)
    assert (done["files"], done["editions"]) == (["icd10cm-order-2026.txt"], [{"system": ICD, "version": "2026", "concepts": 5}])
    found = terms.lookup(ICD, "A00.1XA1")
    assert (found.display, found.version) == ("Invented fever, second, somewhere", "2026")
    assert ("billable", "true") in found.properties
    assert [one["text"] for one in found.designations if one["use"] == "short"] == ["Invented fever, scnd, x"]
    assert terms.subsumes(ICD, "A00", "A00.1XA1").outcome == "subsumes"
    assert terms.subsumes(ICD, "A00.0", "A00.1XA1").outcome == "not-subsumed"
    assert terms.lookup(ICD, "B99").display == "M\u00e9ni\u00e8re's invented disease"
    terms.close()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("icd10cm-order.txt", "", "E380"),
        ("icd10cm-order-addenda.txt", "00001 A00     0 Fever", "E383"),
        ("icd10cm-order-2026.txt", "00001 A00     0 Fever", "E382"),
        ("icd10cm-order-2026.txt", f"00001 A00    0 {'Fever':60}  Fever", "E382"),
    ],
)
def test_an_order_file_that_is_none_is_refused(tmp_path: Path, name: str, content: str, code: str) -> None:
    """A path is never passed over: no such file, no year, another layout are said, and nothing answers from it."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    library = Library(tmp_path / "x.db")
    with pytest.raises((NotFound, Usage)) as error:
        load(library, "icd10cm", tmp_path, "", AT)
    assert error.value.code == code
    assert not any(row[0] == ICD for row in library.rows("editions_counted"))
    library.close()


def loaded(terms: Embedded, kind: str) -> tuple[str, str, str]:
    """Digest, kind and release of a load."""
    return next((row[3], row[1], row[2]) for row in terms.library.rows("loads") if row[1] == kind)


def test_omop_from_athena(tmp_path: Path) -> None:
    """Codes under their own systems with the vocabulary's version, is-a, `Maps to` as a map, dates of validity, and a part is a part."""
    terms = open_embedded(tmp_path, {"at": AT})
    load(terms.library, "omop", releases.omop(tmp_path / "athena"), "v5.0", AT)
    assert terms.lookup(SCT, "20").version == "2026-01-01"
    assert terms.subsumes(SCT, "10", "20").outcome == "subsumes"
    mapped = terms.translate(ICD, "I99", SCT)
    assert [(one.target.code, one.relation, one.version) for one in mapped] == [("20", "equivalent", "FY2026")]
    assert terms.validate(Coding(ICD, "I98"), at="2019-05-01").result == "valid"
    ended = terms.validate(Coding(ICD, "I98"), at="2021-05-01")
    assert (ended.result, ended.messages[-1]) == ("invalid", "on 2021-05-01: I98 was valid until 2020-09-30")
    assert terms.validate(Coding(ICD, "I98"), at="2014-05-01").result == "invalid"
    assert terms.validate(Coding(ICD, "Z00")).result == "unknown", "a code that is not in a part proves nothing"
    assert terms.lookup("urn:omop:vocabulary:House", "H1").version == "v5.0"
    terms.close()


def test_value_sets_by_every_operator(terms: Embedded) -> None:
    """is-a, descendent-of, =, regex, exists, exclude, inactive, value sets in value sets; each member says so when asked alone."""
    expected = {
        "is-a": ["bed", "cot", "icu", "ward"],
        "below": ["cot", "icu", "ward"],
        "equal": ["ward"],
        "regex": ["cot", "icu"],
        "exists": ["ward"],
        "minus": ["cot", "icu"],
        "active": ["icu", "ward"],
        "both": ["cot", "icu"],
    }
    for name, wanted in expected.items():
        assert codes(terms, name) == wanted, name
        for code in ("icu", "ward", "cot", "room"):
            verdict = terms.validate(Coding(releases.HOUSE, code), valueset=VS + name)
            assert (verdict.result == "valid") == (code in wanted), (name, code)
    page = terms.expand(VS + "is-a", offset=1, count=2)
    assert ([one.code for one in page.codes], page.total, page.versions) == (["cot", "icu"], 4, (f"{releases.HOUSE}|1",))


def test_what_a_value_set_says_and_nobody_understands_is_refused(terms: Embedded) -> None:
    """An unknown operator and a set that contains itself are errors, not smaller or larger sets."""
    for name, code in (("odd", "E378"), ("self", "E376")):
        with pytest.raises(Usage) as error:
            terms.expand(VS + name)
        assert error.value.code == code


def test_display_abstract_and_dates(terms: Embedded) -> None:
    """Another display is wrong, any designation is right, a group is not used itself, a day outside of a code's life is wrong."""

    def verdict(code: str, display: str = "", at: str = "") -> tuple[str, str]:
        found = terms.validate(Coding(releases.HOUSE, code, display=display), at=at)
        return found.result, found.messages[0] if found.messages else ""

    assert verdict("icu", "intensive  CARE bed") == ("valid", "")
    assert verdict("icu", "Intensivbett") == ("valid", "")
    assert verdict("icu", "Ward bed") == ("invalid", "display: the name of icu is Intensive care bed")
    assert verdict("bed")[0] == "invalid"
    assert verdict("cot", at="2023-01-01")[0] == "valid"
    assert terms.validate(Coding(releases.HOUSE, "cot"), at="2025-01-01").result == "invalid"
    both = terms.validate_concept([Coding("http://nowhere.example", "x"), Coding(releases.HOUSE, "icu")])
    assert [one.result for one in both] == ["valid", "unknown"]


def test_concept_maps(terms: Embedded) -> None:
    """A map's relation and version come with the target; an unmatched row is no target; a system without a map is said."""
    [found] = terms.translate(releases.HOUSE, "icu")
    assert (found.map, found.version, found.relation, found.target.code) == ("http://house.example/map", "7", "wider", "309904001")
    assert terms.translate(releases.HOUSE, "room") == ()
    with pytest.raises(NotFound):
        terms.translate(LOINC, "9001-1")


def test_search_by_words(terms: Embedded) -> None:
    """All words first, the beginnings of words after them, retired ones too, and quotes in a question do no harm."""
    assert terms.search("creatinine urine", LOINC)[0].code == "9003-7"
    assert terms.search("creat ur", LOINC)[0].version == "2.81"
    assert terms.search('"; drop table term --', LOINC) == ()
    assert terms.search("lung trouble", SCT)[0].code == "30"


def test_the_newest_release_answers_and_the_older_one_when_asked(tmp_path: Path) -> None:
    """Two releases stand side by side; the very same one twice is loaded once."""
    terms = open_embedded(tmp_path, {"at": AT})
    first = load(terms.library, "fhir", releases.fhir(tmp_path / "a", "1"), "", AT)
    load(terms.library, "fhir", releases.fhir(tmp_path / "b", "2"), "", AT)
    again = load(terms.library, "fhir", tmp_path / "a", "", AT)
    assert (again["same"], again["digest"]) == (True, first["digest"])
    assert terms.lookup(releases.HOUSE, "icu").version == "2"
    assert terms.lookup(releases.HOUSE, "icu", "1").version == "1"
    terms.close()


@pytest.mark.parametrize(
    ("kind", "code"), [("snomed", "E380"), ("loinc", "E383"), ("rxnorm", "E383"), ("cpt", "E383"), ("omop", "E380"), ("fhir", "E380")]
)
def test_a_release_that_is_not_one(tmp_path: Path, kind: str, code: str) -> None:
    """An empty folder, or no word which release: said, and nothing is loaded."""
    library = Library(tmp_path / "x.db")
    (tmp_path / "empty").mkdir()
    with pytest.raises((NotFound, Usage)) as error:
        load(library, kind, tmp_path / "empty", "", AT)
    assert error.value.code == code
    assert library.editions() == []
    library.close()


def test_a_damaged_line_stops_the_load_with_its_place_and_nobody_is_answered_from_it(tmp_path: Path) -> None:
    """A line that does not fit is named; what was read before it is kept for the next try but does not answer."""
    folder = releases.snomed(tmp_path / "sct")
    broken = next(folder.rglob("sct2_Relationship*"))
    broken.write_bytes(broken.read_bytes() + b"77\tonly three\tcells\r\n")
    terms = open_embedded(tmp_path, {"at": AT})
    with pytest.raises(Usage) as error:
        load(terms.library, "snomed", folder, "", AT)
    assert error.value.code == "E382"
    assert terms.validate(Coding(SCT, "30")).result == "unknown"
    terms.close()


def tree(size: int) -> list[Item]:
    """A code system that is a chain of `size` codes."""
    made: list[Item] = [Edition("urn:x", "1", "chain")]
    for number in range(size):
        made.append(Entry("urn:x", f"c{number}", f"thing {number}"))
        made += [Edge("urn:x", f"c{number}", f"c{number - 1}")] if number else []
    return made


class Stop(Exception):
    """The machine went off."""


@settings(max_examples=12, deadline=None)
@given(stop=st.integers(0, 120), piece=st.integers(1, 50))
def test_a_load_that_breaks_off_goes_on_and_ends_the_same(tmp_path_factory: pytest.TempPathFactory, stop: int, piece: int) -> None:
    """Stopped at any item, with pieces of any size: until it is whole nobody is answered, then everything is there once."""
    items = tree(60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trivet.data.vocabulary.library.PIECE", piece)
        library = Library(tmp_path_factory.mktemp("resume") / "t.db")
        about = {"digest": "d", "kind": "k", "release": "r", "files": (), "at": AT}

        def breaking() -> Iterator[Item]:
            for number, item in enumerate(items):
                if number == stop:
                    raise Stop
                yield item

        if stop < len(items):
            with pytest.raises(Stop):
                library.load(breaking(), **about)  # type: ignore[arg-type]
            assert library.editions() == []
        done = library.load(items, **about)  # type: ignore[arg-type]
        assert done.items == len(items)
        assert stop >= len(items) or done.resumed == stop - stop % piece
        terms = Embedded(library)
        assert terms.subsumes("urn:x", "c0", "c59").outcome == "subsumes"
        assert len(library.rows("concept_all", library.editions()[0].id)) == 60
        assert len(terms.search("thing", "urn:x", limit=100)) == 60
        terms.close()
