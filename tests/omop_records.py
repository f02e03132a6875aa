"""Small FHIR records and a small vocabulary of our own for the OMOP tests."""

from __future__ import annotations

from typing import Any

from trivet.data.omop.vocabulary import Concept, Vocabulary, embedded

SNOMED, LOINC, RXNORM, ICD = (
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/icd-10-cm",
)
CONCEPTS = [
    Concept(101, "a disorder", "Condition", "SNOMED", "Disorder", "S", "d1"),
    Concept(102, "a disorder of one kind", "Condition", "SNOMED", "Disorder", "S", "d2"),
    Concept(103, "an old disorder", "Condition", "SNOMED", "Disorder", "", "d3", "U"),
    Concept(104, "a finding that is an observation", "Observation", "SNOMED", "Clinical Finding", "S", "o1"),
    Concept(105, "a substance", "Observation", "SNOMED", "Substance", "S", "s1"),
    Concept(106, "allergic disposition", "Observation", "SNOMED", "Clinical Finding", "S", "609328004"),
    Concept(107, "a procedure", "Procedure", "SNOMED", "Procedure", "S", "p1"),
    Concept(201, "a code of billing", "Condition", "ICD10CM", "3-char billing code", "", "X10"),
    Concept(301, "a test", "Measurement", "LOINC", "Lab Test", "S", "l1"),
    Concept(302, "a question", "Observation", "LOINC", "Survey", "S", "q1"),
    Concept(303, "an answer", "Meas Value", "LOINC", "Answer", "S", "a1"),
    Concept(401, "a medicine", "Drug", "RxNorm", "Clinical Drug", "S", "m1"),
    Concept(501, "milligram per deciliter", "Unit", "UCUM", "Unit", "S", "mg/dL"),
    Concept(113, "no known allergy", "Observation", "SNOMED", "Context-dependent", "S", "n1"),
    Concept(108, "allergy to food", "Observation", "SNOMED", "Clinical Finding", "S", "414285001"),
    Concept(109, "allergy to drug", "Observation", "SNOMED", "Clinical Finding", "S", "416098002"),
    Concept(110, "intolerance to food", "Observation", "SNOMED", "Clinical Finding", "S", "235719002"),
    Concept(111, "allergic reaction", "Condition", "SNOMED", "Disorder", "S", "419076005"),
    Concept(112, "allergic reaction to drug", "Condition", "SNOMED", "Disorder", "S", "416093006"),
    Concept(602, "emergency room", "Visit", "CMS Place of Service", "Visit", "S", "23"),
    Concept(603, "home", "Visit", "CMS Place of Service", "Visit", "S", "12"),
    Concept(604, "expired", "Visit", "UB04 Pt dis status", "Patient Status", "S", "20"),
    Concept(701, "a vaccine", "Drug", "CVX", "CVX", "", "08"),
    Concept(601, "less than", "Meas Value Operator", "SNOMED", "Qualifier Value", "S", "276139006"),
]
RELATIONS = [(103, 102, "Maps to"), (201, 101, "Maps to")]


def vocabulary() -> Vocabulary:
    """What ships and the concepts above; d2 is below d1."""
    made = embedded()
    made.add(CONCEPTS, RELATIONS, [(101, 102)])
    return made


def coded(system: str, code: str, **more: Any) -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, **more}]}


def record(kind: str, ident: str, /, **more: Any) -> dict[str, Any]:
    """A resource; clinical ones speak of Patient/p."""
    about = {} if kind in ("Patient", "Practitioner", "Organization", "Location", "Medication") else {"subject": {"reference": "Patient/p"}}
    return {"resourceType": kind, "id": ident, **about, **more}


def patient(ident: str = "p", /, **more: Any) -> dict[str, Any]:
    """A patient with a birth date."""
    return record("Patient", ident, **{"birthDate": "1961-04-17", "gender": "female"} | more)


def visit(name: str = "v", start: str = "2020-01-01T08:00:00Z", **more: Any) -> dict[str, Any]:
    """An outpatient encounter."""
    return record("Encounter", name, **{"status": "finished", "class": {"code": "AMB"}, "period": {"start": start, "end": start}} | more)


def result(name: str = "o", code: str = "l1", **more: Any) -> dict[str, Any]:
    """A laboratory result."""
    said = {"status": "final", "code": coded(LOINC, code), "effectiveDateTime": "2020-01-01T08:00:00Z"}
    return record(
        "Observation",
        name,
        **said | ({"valueQuantity": {"value": 5, "unit": "mg/dL", "code": "mg/dL"}} if "value" not in str(more) else {}) | more,
    )
