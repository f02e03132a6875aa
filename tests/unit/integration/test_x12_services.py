"""A service is told by its qualifier: revenue code, drug, dental procedure and HCPCS are four systems, in every set."""

from __future__ import annotations

from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.x12 import X12Format
from trivet.testing.kits.format import FormatKit

HEAD = "ISA*00*          *00*          *ZZ*ALDER          *ZZ*BIRCH          *260301*0915*^*00501*000000001*0*T*:"
ASKED = (
    *("BHT*0010*13*T1*20260301*0915", "HL*1**20*1", "NM1*PR*2*LARCH*****PI*LHP", "HL*2*1*21*1", "NM1*41*2*MILL*****46*M1"),
    *("HL*3*2*19*1", "NM1*1P*2*MILL*****XX*1234567893", "HL*4*3*22*0", "DMG*D8*19800102*F", "NM1*IL*1*FENN*ADA****MI*A1"),
    *("TRN*1*T7", "DTP*472*D8*20260201", "SVC*{}*150*****1", "DTP*472*D8*20260201"),
)
ANSWER = (
    *("BHT*0022*11*T1*20260301*0915", "HL*1**20*1", "NM1*PR*2*LARCH*****PI*LHP", "HL*2*1*21*1", "NM1*1P*2*MILL*****XX*1234567893"),
    *("HL*3*2*22*0", "NM1*IL*1*FENN*ADA****MI*A1", "EB*D***HM*********{}"),
)
SYSTEMS = [
    ("HC:99213", "http://www.ama-assn.org/go/cpt"),
    ("HC:J3301", "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"),
    ("NU:0450", "https://www.nubc.org/CodeSystem/RevenueCodes"),
    ("N4:00013264681", "http://hl7.org/fhir/sid/ndc"),
    ("AD:D0120", "urn:trivet:source:billing/x12/AD"),
]


def records(kind: str, group: str, guide: str, body: tuple[str, ...]) -> list[Any]:
    """What one set says, every element accounted for."""
    lines = [HEAD, f"GS*{group}*ALDER*BIRCH*20260301*0915*1*X*{guide}", f"ST*{kind}*0001*{guide}", *body]
    raw = "".join(f"{line}~" for line in [*lines, f"SE*{len(body) + 2}*0001", "GE*1*1", "IEA*1*000000001"]).encode()
    kit = FormatKit(X12Format(), SourceProfile("billing"), related=lambda span, value, text: True)
    return [record.resource for _, one in kit.check(raw) for record in one.records]


def codings(node: Any) -> list[tuple[str, str]]:
    """Every coding within a record."""
    if isinstance(node, list):
        return [found for one in node for found in codings(one)]
    if not isinstance(node, dict):
        return []
    own = [(node["code"], node["system"])] if isinstance(node.get("code"), str) and "system" in node else []
    return own + [found for one in node.values() for found in codings(one)]


@pytest.mark.parametrize(("written", "system"), SYSTEMS)
@pytest.mark.parametrize(("kind", "group", "guide", "body"), [("276", "HR", "005010X212", ASKED), ("271", "HB", "005010X279A1", ANSWER)])
def test_the_qualifier_says_the_system(kind: str, group: str, guide: str, body: tuple[str, ...], written: str, system: str) -> None:
    """A revenue code is no procedure, and a drug is none."""
    found = codings(records(kind, group, guide, tuple(line.format(written) for line in body)))
    assert (written.partition(":")[2], system) in found


def test_modifiers_of_a_benefit_are_kept() -> None:
    """EB13 names them behind the procedure."""
    found = codings(records("271", "HB", "005010X279A1", tuple(line.format("HC:99213:25:59") for line in ANSWER)))
    assert {code for code, _ in found} >= {"99213", "25", "59"}


def test_a_benefit_with_service_type_and_procedure_is_not_lost() -> None:
    """R4 takes one of the two: the type stays, the procedure stands beside it, and so does the amount."""
    body = (*ANSWER[:-1], "EB*B**98*HM***25******HC:99213")
    response = next(one for one in records("271", "HB", "005010X279A1", body) if one["resourceType"] == "CoverageEligibilityResponse")
    (item,) = response["insurance"][0]["item"]
    assert item["category"]["coding"][0]["code"] == "98"
    assert item["extension"][0]["valueCoding"] == {"code": "99213", "system": "http://www.ama-assn.org/go/cpt"}
    assert item["benefit"][0]["allowedMoney"]["value"] == 25
