"""FHIR records to OMOP rows: what each statement of HL7's guide asks of a conversion, on small records of our own."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omop_records import ICD, LOINC, RXNORM, SNOMED, coded, patient, record, result, visit, vocabulary
from trivet.data.omop.convert import Converted, convert
from trivet.data.omop.frame import Frame
from trivet.data.omop.model import cdm
from trivet.data.omop.moments import read
from trivet.data.omop.paths import every, parsed
from trivet.data.omop.rules import read_rules, shipped_conventions
from trivet.kernel.errors import Usage

RULES = read_rules()


def made(*records: dict[str, Any], frame: Frame | None = None) -> Converted:
    """Rows of these records."""
    return convert(records, vocabulary(), RULES, frame or Frame())


def only(done: Converted, table: str) -> dict[str, Any]:
    """The one row of a table."""
    [row] = done.rows[table]
    return row


def test_rows_have_the_models_columns_and_what_must_be_there() -> None:
    """No row has a column the model lacks or lacks one it must have; a record without a date is not written, and counted."""
    everything = [
        patient(deceasedDateTime="2021-01-01"),
        visit(),
        result(encounter={"reference": "Encounter/v"}),
        record("Condition", "c", code=coded(SNOMED, "d1"), onsetDateTime="2020-01-01"),
        record("Condition", "undated", code=coded(SNOMED, "d1")),
        record("Procedure", "x", status="completed", code=coded(SNOMED, "p1"), performedDateTime="2020-01-01"),
    ]
    done = made(*everything)
    for table, rows in done.rows.items():
        shape = cdm()[table]
        for row in rows:
            assert set(row) <= set(shape.names)
            assert [column.name for column in shape.columns if column.required and row.get(column.name) is None] == []
    assert done.account.missing == {("Condition", "condition_occurrence.condition_start_date"): 1}
    assert only(done, "measurement")["visit_occurrence_id"] == only(done, "visit_occurrence")["visit_occurrence_id"]
    assert only(done, "observation_period")["observation_period_start_date"] == date(2020, 1, 1)


def test_the_domain_of_the_standard_concept_decides_the_table() -> None:
    """A condition whose concept is an observation becomes one, a procedure whose concept is a condition becomes that."""
    done = made(
        patient(),
        record("Condition", "c", code=coded(SNOMED, "o1"), onsetDateTime="2020-01-01"),
        record("Procedure", "x", status="completed", code=coded(SNOMED, "d1"), performedDateTime="2020-01-01"),
        result(code="q1"),
    )
    assert sorted((table, len(rows)) for table, rows in done.rows.items()) == [
        ("condition_occurrence", 1),
        ("observation", 2),
        ("person", 1),
    ]


def test_a_code_that_is_not_standard_is_kept_as_the_source_concept() -> None:
    """The standard concept in concept_id, the code's own concept in source_concept_id, the code itself in source_value."""
    row = only(made(patient(), record("Condition", "c", code=coded(ICD, "X10"), onsetDateTime="2020-01-01")), "condition_occurrence")
    found = (row["condition_concept_id"], row["condition_source_concept_id"], row["condition_source_value"])
    assert found == (101, 201, "X10")
    old = only(made(patient(), record("Condition", "c", code=coded(SNOMED, "d3"), onsetDateTime="2020-01-01")), "condition_occurrence")
    assert (old["condition_concept_id"], old["condition_source_concept_id"]) == (102, 103)


def test_an_unknown_code_becomes_0_and_is_counted() -> None:
    """Concept 0 is never silent: column, system and code wait in a queue, with the source's code kept; so do units and answers."""
    done = made(patient(), result(code="nowhere"), result("o2", valueQuantity={"value": 1, "unit": "{score}"}))
    by_code = {row["measurement_source_value"]: row for row in done.rows["measurement"]}
    assert by_code["nowhere"]["measurement_concept_id"] == 0
    assert by_code["l1"]["unit_concept_id"] == 0
    assert done.account.unmapped["measurement.measurement_concept_id", LOINC, "nowhere"] == 1
    assert done.account.unmapped["measurement.unit_concept_id", "http://unitsofmeasure.org", "{score}"] == 1


def test_one_coding_of_several_speaks() -> None:
    """A coding with a standard concept before one without, the source's own choice next, then the order of vocabularies: one row."""
    several = {"coding": [{"system": ICD, "code": "X10"}, {"system": SNOMED, "code": "d2"}, {"system": "urn:local", "code": "7"}]}
    row = only(made(patient(), record("Condition", "c", code=several, onsetDateTime="2020-01-01")), "condition_occurrence")
    assert row["condition_source_value"] == "d2"
    several["coding"][0]["userSelected"] = True  # type: ignore[assignment]
    row = only(made(patient(), record("Condition", "c", code=several, onsetDateTime="2020-01-01")), "condition_occurrence")
    assert row["condition_source_value"] == "X10"
    several["coding"][2]["userSelected"] = True  # type: ignore[assignment]
    row = only(made(patient(), record("Condition", "c", code=several, onsetDateTime="2020-01-01")), "condition_occurrence")
    assert row["condition_source_value"] == "X10"


@pytest.mark.parametrize("order", [("d1", "d2"), ("d2", "d1")])
def test_the_more_specific_of_two_concepts_is_taken(order: tuple[str, str]) -> None:
    """Of a concept and one below it in the same vocabulary the lower one, whichever comes first."""
    both = {"coding": [{"system": SNOMED, "code": code} for code in order]}
    row = only(made(patient(), record("Condition", "c", code=both, onsetDateTime="2020-01-01")), "condition_occurrence")
    assert row["condition_concept_id"] == 102


def test_no_business_identifier_reaches_a_source_value_or_a_key() -> None:
    """Identifiers of every resource change nothing but a provider's NPI column: neither values nor keys."""
    plain = [
        patient(),
        visit(),
        result(),
        record("Practitioner", "d"),
        record("Organization", "h", name="H"),
        record("Location", "w", name="W"),
    ]
    marked = copy.deepcopy(plain)
    for one in marked:
        one["identifier"] = [{"system": "urn:mrn", "value": "SECRET-77"}]
    assert made(*marked).rows == made(*plain).rows
    marked[3]["identifier"] = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}]
    assert made(*marked).rows["provider"] == [made(*plain).rows["provider"][0] | {"npi": "1234567893"}]


def test_names_addresses_and_free_text_of_a_patient_stay_out() -> None:
    """No part of a patient's name, street, city, postal code, phone number, and no narrative of a report, is in any row."""
    told = patient(
        name=[{"family": "Fam", "given": ["Giv"]}],
        telecom=[{"value": "555-0101"}],
        address=[{"line": ["1 Hidden Street"], "city": "Hidetown", "state": "MA", "postalCode": "01234", "country": "US"}],
    )
    done = made(
        told, record("DiagnosticReport", "r", status="final", code=coded(LOINC, "l1"), effectiveDateTime="2020-01-01", conclusion="Ms Fam")
    )
    said = repr(done.rows)
    assert [word for word in ("Fam", "Giv", "555-0101", "Hidden", "Hidetown", "01234") if word in said] == []
    assert only(done, "location") == {
        "location_id": only(done, "person")["location_id"],
        "state": "MA",
        "country_concept_id": 0,
        "country_source_value": "US",
    }
    assert done.account.excluded["DiagnosticReport", "f2o-022", "free text may name the patient and is withheld"] == 1


def test_what_did_not_happen_is_not_written_and_counted_by_reason() -> None:
    """Cancelled, planned, refuted, stopped, in error, or changed by a modifier that nobody understands: no row, one count each."""
    order = {"medicationCodeableConcept": coded(RXNORM, "m1"), "authoredOn": "2020-01-01"}
    none = [
        visit("v1", status="planned"),
        result("o1", status="entered-in-error"),
        result("o2", modifierExtension=[{"url": "urn:not", "valueBoolean": True}]),
        record(
            "Condition", "c", code=coded(SNOMED, "d1"), onsetDateTime="2020-01-01", verificationStatus={"coding": [{"code": "refuted"}]}
        ),
        record("MedicationRequest", "m1", status="active", intent="proposal", **order),
        record("MedicationRequest", "m2", status="stopped", intent="order", **order),
        record("MedicationRequest", "m3", status="active", intent="order", doNotPerform=True, **order),
        record("Appointment", "a"),
    ]
    done = made(patient(), *none)
    assert set(done.rows) == {"person"}
    assert sum(done.account.excluded.values()) == len(none)
    assert {statement for _, statement, _ in done.account.excluded} == {"f2o-060", "f2o-063", "f2o-080"}


def test_type_concepts_come_from_resource_category_and_context() -> None:
    """Laboratory, survey, patient-reported, problem list, prescription: each its own type; without context the general one."""
    kinds = {
        32856: result("1", category=[coded("urn:c", "laboratory")]),
        32883: result("2", category=[coded("urn:c", "survey")]),
        32865: result("3", performer=[{"reference": "Patient/p"}]),
        32817: result("4"),
        32840: record("Condition", "5", code=coded(SNOMED, "d1"), onsetDateTime="2020", category=[coded("urn:c", "problem-list-item")]),
        32838: record("MedicationRequest", "6", status="active", authoredOn="2020-01-01", medicationCodeableConcept=coded(RXNORM, "m1")),
    }
    kinds[32840]["onsetDateTime"] = "2020-02-03"
    for wanted, one in kinds.items():
        [row] = [row for table, rows in made(patient(), one).rows.items() if table != "person" for row in rows]
        assert [value for name, value in row.items() if name.endswith("_type_concept_id")] == [wanted]


def test_partial_dates_are_imputed_and_say_so() -> None:
    """A year or a month becomes its first day with the type of an algorithm; a birth date is never imputed."""
    row = only(made(patient(), record("Condition", "c", code=coded(SNOMED, "d1"), onsetDateTime="2020-05")), "condition_occurrence")
    assert (row["condition_start_date"], row["condition_type_concept_id"]) == (date(2020, 5, 1), 32882)
    person = only(made(patient(birthDate="1961")), "person")
    assert (person["year_of_birth"], person["month_of_birth"], person["birth_datetime"]) == (1961, None, None)


def test_all_instants_are_in_one_zone() -> None:
    """Offsets are converted, days with them; a time without offset is the site's; a day gets no invented time."""
    said = {"effectiveDateTime": "2020-01-01T02:30:00+05:00"}
    row = only(made(patient(), result(**said)), "measurement")
    assert (row["measurement_date"], row["measurement_datetime"]) == (date(2019, 12, 31), datetime(2019, 12, 31, 21, 30))
    here = Frame(zone=ZoneInfo("America/Chicago"), local=ZoneInfo("America/Chicago"))
    row = only(made(patient(), result(effectiveDateTime="2020-01-01T02:30:00"), frame=here), "measurement")
    assert row["measurement_datetime"] == datetime(2020, 1, 1, 2, 30)
    row = only(made(patient(), result(effectiveDateTime="2020-01-01")), "measurement")
    assert (row["measurement_date"], row["measurement_datetime"]) == (date(2020, 1, 1), None)


def test_an_allergy_to_a_medicine_is_no_exposure_to_it() -> None:
    """The substance is the value; where its domain is another one, the observation is the disposition (f2o-037)."""
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}, "recordedDate": "2020-01-01"}
    row = only(made(patient(), allergy | {"code": coded(RXNORM, "m1")}), "observation")
    assert (row["observation_concept_id"], row["value_as_concept_id"], row["observation_source_concept_id"]) == (106, 401, 401)
    row = only(made(patient(), allergy | {"code": coded(SNOMED, "s1")}), "observation")
    assert (row["observation_concept_id"], row["value_as_concept_id"]) == (105, 105)


ALLERGY = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}, "recordedDate": "2020-01-01"}


@pytest.mark.parametrize(
    ("kind", "category", "code", "told", "value"),
    [
        ("allergy", "food", (SNOMED, "s1"), 108, 105),
        ("allergy", "medication", (RXNORM, "m1"), 109, 401),
        ("intolerance", "food", (SNOMED, "s1"), 110, 105),
        ("allergy", "biologic", (RXNORM, "m1"), 106, 401),
        ("intolerance", "medication", (RXNORM, "m1"), 106, 401),  # a concept that the release lacks: the wider one
        ("allergy", "food", (SNOMED, "n1"), 113, 113),  # a finding is told as it is
        ("", "food", (SNOMED, "s1"), 105, 105),  # nobody said which of the two
    ],
)
def test_an_allergy_is_told_by_its_category(kind: str, category: str, code: tuple[str, str], told: int, value: int) -> None:
    """The guide's AllergyMap: what kind of allergy or intolerance is the concept, the substance its value."""
    said = {"type": kind} if kind else {}
    row = only(made(patient(), ALLERGY | said | {"category": [category], "code": coded(*code)}), "observation")
    assert (row["observation_concept_id"], row["value_as_concept_id"]) == (told, value)


def test_a_reaction_is_a_row_of_its_own() -> None:
    """The guide's considerations for allergies: a second record says that there was a reaction, its value says which; a substance alone
    makes none."""
    reaction = {"manifestation": [coded(SNOMED, "d1", display="a rash")], "onset": "2019-05-06", "severity": "mild"}
    about = {"type": "allergy", "code": coded(RXNORM, "m1"), "reaction": [reaction, {"substance": coded(RXNORM, "m1")}]}
    for category, told in (("medication", 112), ("food", 111)):
        rows = made(patient(), ALLERGY | about | {"category": [category]}).rows["observation"]
        row = next(row for row in rows if row["value_as_concept_id"] == 101)
        assert len(rows) == 2
        assert (row["observation_concept_id"], row["observation_date"], row["qualifier_source_value"]) == (told, date(2019, 5, 6), "mild")


def test_where_somebody_came_from_and_went() -> None:
    """The guide's maps of admission sources and dispositions; a code that they do not have is 0, counted, and kept as it came."""
    source, went = "http://terminology.hl7.org/CodeSystem/admit-source", "http://terminology.hl7.org/CodeSystem/discharge-disposition"
    for code, wanted in (("home", 603), ("alt-home", 603), ("exp", 604), ("oth", 0)):
        stay = {"admitSource": coded(source, "emd"), "dischargeDisposition": coded(went, code)}
        done = made(patient(), visit("v", hospitalization=stay))
        row = only(done, "visit_occurrence")
        assert (row["admitted_from_concept_id"], row["discharged_to_concept_id"], row["discharged_to_source_value"]) == (602, wanted, code)
        assert bool(done.account.unmapped) is (wanted == 0)
    row = only(made(patient(), visit("v", **{"class": {"code": "OBSENC"}})), "visit_occurrence")
    assert row["visit_concept_id"] == 262


# what a place of service code says, in short (CMS, code set of 2024-05-02), and which codes of FHIR mean it (the guide's concept maps)
PLACES = {
    "11": {"gp", "mp"},  # an office
    "12": {"home", "alt-home"},  # home
    "20": {"urgentcare"},  # urgent care, which is not a hospital's emergency room
    "22": {"outp"},  # outpatient hospital
    "23": {"emd"},  # a hospital's emergency room
    "31": {"snf"},  # skilled nursing
    "32": {"nursing"},  # nursing facility
    "34": {"hosp", "hospice"},  # hospice
    "51": {"psych", "psy"},  # inpatient psychiatry
}


def test_places_are_the_places_that_their_codes_say() -> None:
    """Each row with a place of service names the right one; a short stay has none; another project's reading stands apart and changes
    nothing else; the code system is known under its published name."""
    rules = read_rules()
    told = {
        code: place
        for name in ("visit", "admitted", "discharged")
        for code, (vocabulary_, place) in rules.codes[name].items()
        if vocabulary_ == "CMS Place of Service"
    }
    assert told == {code: place for place, codes in PLACES.items() for code in codes}
    assert [rules.codes["discharged"][code] for code in ("aadvice", "exp")] == [("UB04 Pt dis status", code) for code in ("07", "20")]
    assert "SS" not in rules.codes["visit"]
    theirs = {code: place for code, place in rules.codes["visit:fhir2omop"].items() if rules.codes["visit"].get(code) != place}
    assert theirs == {code: ("CMS Place of Service", place) for code, place in (("SS", "23"), ("snf", "32"), ("urgentcare", "23"))}
    system = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
    row = only(made(patient(), visit("v", hospitalization={"admitSource": coded(system, "23")})), "visit_occurrence")
    assert row["admitted_from_concept_id"] == 602
    assert only(made(patient(), visit("v", **{"class": {"code": "snf"}})), "visit_occurrence")["visit_concept_id"] == 8863


def test_a_medicine_keeps_its_end_its_unit_and_why_it_was_stopped() -> None:
    """The guide's MedicationMap: the end as told stands in verbatim_end_date; an end that only follows from the supply does not."""
    what = {"medicationCodeableConcept": coded(RXNORM, "m1")}
    dose = {"doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mg"}}], "route": coded(SNOMED, "o1")}
    span = {"start": "2020-01-01", "end": "2020-02-01"}
    stop = [coded("urn:why", "ae", display="adverse event")]
    row = only(
        made(
            patient(),
            record("MedicationStatement", "m", status="completed", effectivePeriod=span, dosage=[dose], statusReason=stop, **what),
        ),
        "drug_exposure",
    )
    assert (row["drug_exposure_end_date"], row["verbatim_end_date"]) == (date(2020, 2, 1), date(2020, 2, 1))
    assert (row["dose_unit_source_value"], row["stop_reason"]) == ("mg", "adverse event")
    given = {"dose": {"value": 500, "unit": "mg"}}
    row = only(
        made(patient(), record("MedicationAdministration", "m", status="completed", effectivePeriod=span, dosage=given, **what)),
        "drug_exposure",
    )
    assert (row["quantity"], row["dose_unit_source_value"], row["verbatim_end_date"]) == (500.0, "mg", date(2020, 2, 1))
    supply = {"authoredOn": "2020-01-01", "dispenseRequest": {"expectedSupplyDuration": {"value": 30}}}
    order = record("MedicationRequest", "m", status="active", intent="order", dosageInstruction=[dose], **supply, **what)
    row = only(made(patient(), order), "drug_exposure")
    assert (row["drug_exposure_end_date"], row["verbatim_end_date"], row["dose_unit_source_value"]) == (date(2020, 1, 30), None, "mg")


def test_a_vaccine_without_a_standard_concept_is_an_exposure_all_the_same() -> None:
    """Concept 0, the vaccine's own concept kept; under the other conventions the same, without lot, dose and route."""
    given = {
        "resourceType": "Immunization", "id": "i", "status": "completed", "patient": {"reference": "Patient/p"}, "occurrenceDateTime":
        "2020-01-01T10:00:00+02:00",
        "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "08"), "lotNumber": "L1", "doseQuantity": {"value": 0.5, "unit": "mL"},
    }  # fmt: skip
    row = only(made(patient(), given), "drug_exposure")
    assert (row["drug_concept_id"], row["drug_source_concept_id"], row["drug_source_value"]) == (0, 701, "08")
    assert (row["quantity"], row["dose_unit_source_value"], row["lot_number"], row["drug_exposure_start_datetime"].hour) == (
        0.5,
        "mL",
        "L1",
        8,
    )
    theirs = convert([patient(), given], vocabulary(), read_rules([("theirs", shipped_conventions("fhir2omop"))]), Frame())
    row = only(theirs, "drug_exposure")
    assert (row["drug_concept_id"], row["quantity"], row["lot_number"], row["drug_exposure_start_datetime"].hour) == (0, None, None, 10)


def test_a_report_is_a_note_only_where_conventions_ask_for_its_words() -> None:
    """Free text may name the patient and is withheld; under conventions that write it, the conclusion, else the attachment in words."""
    rules = read_rules([("theirs", shipped_conventions("fhir2omop"))])
    words = {"contentType": "text/plain", "data": "QWxsIGlzIHdlbGw="}
    report = record("DiagnosticReport", "r", status="final", code=coded(LOINC, "l1"), effectiveDateTime="2020-01-01", presentedForm=[words])
    assert "note" not in made(patient(), report).rows
    assert only(convert([patient(), report], vocabulary(), rules, Frame()), "note")["note_text"] == "All is well"
    assert only(convert([patient(), report | {"conclusion": "Well"}], vocabulary(), rules, Frame()), "note")["note_text"] == "Well"
    broken = report | {"presentedForm": [{"data": "%%"}, {"contentType": "application/pdf", "data": "QQ=="}]}
    assert "note" not in convert([patient(), broken], vocabulary(), rules, Frame()).rows


def test_components_become_rows_of_their_own() -> None:
    """A panel without a value gives a row for each component with one, under the panel's date; keys differ."""
    parts = [
        {"code": coded(LOINC, "l1"), "valueQuantity": {"value": 1, "comparator": "<"}},
        {"code": coded(LOINC, "q1"), "valueString": "x"},
    ]
    done = made(
        patient(), record("Observation", "o", status="final", code=coded(LOINC, "l1"), effectiveDateTime="2020-01-01", component=parts)
    )
    assert (only(done, "measurement")["value_as_number"], only(done, "measurement")["operator_concept_id"]) == (1, 601)
    assert only(done, "observation")["value_as_string"] == "x"
    assert only(done, "measurement")["measurement_id"] != only(done, "observation")["observation_id"]


def test_a_medicine_that_is_referred_to_is_found() -> None:
    """Through a Medication of its own or a contained one; the supply ends with its last day."""
    order = {"status": "completed", "whenHandedOver": "2020-01-01", "daysSupply": {"value": 30}}
    index = {"Medication/m": record("Medication", "m", code=coded(RXNORM, "m1"))}
    row = only(
        made(
            patient(),
            record("MedicationDispense", "d", medicationReference={"reference": "Medication/m"}, **order),
            frame=Frame(resources=index),
        ),
        "drug_exposure",
    )
    assert (row["drug_concept_id"], row["drug_exposure_end_date"]) == (401, date(2020, 1, 30))
    inside = {"contained": [record("Medication", "in", code=coded(RXNORM, "m1"))], "medicationReference": {"reference": "#in"}}
    assert only(made(patient(), record("MedicationDispense", "d", **order, **inside)), "drug_exposure")["drug_concept_id"] == 401


def test_references_that_lead_nowhere_are_empty_and_counted_and_events_of_nobody_are_not_written() -> None:
    """A visit that has no row leaves no dangling key; an event whose patient is not there is excluded with its reason."""
    done = made(patient(), result(encounter={"reference": "Encounter/gone"}, performer=[{"reference": "Practitioner/gone"}]))
    row = only(done, "measurement")
    assert (row["visit_occurrence_id"], row["provider_id"]) == (None, None)
    assert done.account.dangling == {"measurement.visit_occurrence_id": 1, "measurement.provider_id": 1}
    alone = made(result())
    assert (alone.rows["measurement"], alone.sources) == ([], [])
    assert alone.account.excluded["measurement", "f2o-001", "its person has no row"] == 1


def numbered(value: str, system: str | None = "urn:visit", kind: str = "VN") -> dict[str, Any]:
    """An identifier of an encounter."""
    return {"type": {"coding": [{"code": kind}]}, "value": value} | ({"system": system} if system else {})


def test_what_several_sources_say_of_one_visit_is_one_visit() -> None:
    """Admissions, beds and laboratory tell of a stay under its number: one row with the longest period, and results meet it there."""
    stay = {"start": "2020-01-01T08:00:00Z", "end": "2020-01-05T10:00:00Z"}
    bed = {"start": "2020-01-02T08:00:00Z", "end": "2020-01-03T10:00:00Z"}
    lab, bare = visit("lab", identifier=[numbered("V1")]), visit("bare", identifier=[numbered("V1", None)])
    del lab["period"], bare["period"]
    done = made(
        patient(),
        visit("zz", identifier=[numbered("V1")], period=stay),
        visit("a", identifier=[numbered("V1-1", "urn:bed"), numbered("V1")], period=bed),
        lab,
        bare,
        result("one", encounter={"reference": "Encounter/lab"}),
        result("two", encounter={"reference": "Encounter/bare"}),
        result("three", encounter={"reference": "Encounter/a"}),
    )
    row = only(done, "visit_occurrence")
    assert (row["visit_start_date"], row["visit_end_date"]) == (date(2020, 1, 1), date(2020, 1, 5))
    assert {one["visit_occurrence_id"] for one in done.rows["measurement"]} == {row["visit_occurrence_id"]}
    assert row["visit_occurrence_id"] == only(made(patient(), visit("zz")), "visit_occurrence")["visit_occurrence_id"]
    assert (done.account.joined["visit_occurrence"], dict(done.account.dangling), dict(done.account.missing)) == (3, {}, {})
    assert sorted(one[2] for one in done.sources if one[0] == "visit_occurrence") == [f"Encounter/{n}" for n in ("a", "bare", "lab", "zz")]


def test_visits_that_only_look_alike_stay_apart() -> None:
    """An account's number, a number used again years later, a bare number of two visits and a cancelled visit join nothing."""
    bare = visit("bare", identifier=[numbered("7", None)])
    stub = visit("stub", identifier=[numbered("9")])
    del bare["period"], stub["period"]
    done = made(
        patient(),
        visit("a", identifier=[numbered("1", kind="AN"), numbered("7")], period={"start": "2020-01-01", "end": "2020-01-02"}),
        visit("b", identifier=[numbered("1", kind="AN")], period={"start": "2020-01-01", "end": "2020-01-02"}),
        visit("c", identifier=[numbered("7")], period={"start": "2023-01-01", "end": "2023-01-02"}),
        visit("d", identifier=[numbered("9")], status="cancelled"),
        bare,
        stub,
        result(encounter={"reference": "Encounter/bare"}),
    )
    assert len(done.rows["visit_occurrence"]) == 3
    assert not done.account.joined
    assert done.account.missing == {("Encounter", "visit_occurrence.visit_start_date"): 2}
    assert done.account.dangling == {"measurement.visit_occurrence_id": 1}


@given(st.lists(st.tuples(st.sampled_from("123"), st.booleans(), st.integers(0, 40), st.integers(0, 9)), max_size=8), st.randoms())
@settings(deadline=None)
def test_visits_do_not_depend_on_the_order_of_records(told: list[tuple[str, bool, int, int]], random: Any) -> None:
    """Whatever numbers and periods: the same rows in any order, every encounter with a period has one, none twice."""
    records = [patient()]
    for place, (number, dated, start, days) in enumerate(told):
        one = visit(f"e{place}", identifier=[numbered(number)])
        first_day = date(2020, 1, 1) + timedelta(days=start)
        one["period"] = {"start": str(first_day), "end": str(first_day + timedelta(days=days))}
        if not dated:
            del one["period"]
        records.append(one)
    shuffled = list(records)
    random.shuffle(shuffled)
    done, again = made(*records), made(*shuffled)
    assert done.rows == again.rows
    visits = [row["visit_occurrence_id"] for row in done.rows.get("visit_occurrence", [])]
    assert len(visits) == len(set(visits))
    found = {one[2] for one in done.sources if one[0] == "visit_occurrence"}
    assert {f"Encounter/e{place}" for place, (_, dated, *_) in enumerate(told) if dated} <= found


def test_two_sources_of_one_person_are_one_person() -> None:
    """Two patient records linked to one person give one row, what one lacks from the other, and their events meet there."""
    two = Frame(persons={"Patient/p": "Person/1", "Patient/q": "Person/1"})
    other = result("o2") | {"subject": {"reference": "Patient/q"}}
    done = made(patient(gender=None), patient("q", gender="male"), result(), other, frame=two)
    person = only(done, "person")
    assert (person["gender_concept_id"], person["person_source_value"]) == (8507, "1")
    assert {row["person_id"] for row in done.rows["measurement"]} == {person["person_id"]}


def test_nothing_optional_is_assumed() -> None:
    """Every record with nothing but its type and id, or with empty parts, is answered with a count and never an error."""
    kinds = [*RULES.edges, "Basic"]
    done = made(*({"resourceType": kind, "id": "x"} for kind in kinds), *({"resourceType": kind, "id": "y", "code": {}} for kind in kinds))
    assert sum(done.account.read.values()) == 2 * len(kinds)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["2020", "2020-01-01", "Patient/p", "", "l1", LOINC]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["coding", "code", "system", "value", "reference", "start", "unit", "url"]), inner, max_size=3
            )
        ),
        max_leaves=6,
    ),
    st.sampled_from(sorted(RULES.edges)),
    st.sampled_from(
        ["code", "subject", "period", "status", "valueQuantity", "medicationCodeableConcept", "birthDate", "component", "effectiveDateTime"]
    ),
)
def test_whatever_stands_in_an_element_the_conversion_answers(value: Any, kind: str, element: str) -> None:
    """Any JSON in any element of any type gives rows that fit the model or counts, the same twice, and never an exception."""
    records = [patient(), record(kind, "x", **{element: value})]
    once, again = made(*copy.deepcopy(records)), made(*records)
    assert once.rows == again.rows
    for table, rows in once.rows.items():
        for row in rows:
            assert all(row.get(column.name) is not None for column in cdm()[table].columns if column.required)


def test_paths_read_alternatives_lists_and_filters() -> None:
    """`|` takes the first that finds something, lists are flattened, `[x]` filters; what is no path is refused."""
    said = {"a": [{"system": "http://x.y/z", "b": 1}, {"use": "official", "b": 2}], "c": ""}
    assert (every(said, "c|a.b"), every(said, "a[http://x.y/z].b"), every(said, "a[official].b")) == ([1, 2], [1], [2])
    with pytest.raises(ValueError, match="no path"):
        parsed("a..b")


def test_moments_keep_their_precision() -> None:
    """Years and months are marked, offsets converted, nonsense is nothing."""
    assert read("2020-02") is not None
    assert read("2020-02").imputed  # type: ignore[union-attr]
    assert read("2020-02-30") is None
    assert read("2020-02-03T04:05") is not None
    assert [read(said) for said in ("soon", None, 7, "2020-13-01T00:00:00Z")] == [None] * 4


@pytest.mark.parametrize(
    "row",
    [
        {"edge": "Condition", "target": "start", "how": "guess"},
        {"edge": "Nothing", "target": "start", "how": "text"},
        {"edge": "Encounter", "target": "nothing", "how": "text"},
    ],
)
def test_an_overlay_that_means_nothing_is_refused(row: dict[str, str]) -> None:
    """A convention with an unknown way, edge or column is an error with its line, not a silence."""
    with pytest.raises(Usage):
        read_rules([("mine.csv", [{"from": "", "with": ""} | row])])
