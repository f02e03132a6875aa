"""The last touch before a record leaves its format: what was judged once is not taken for what it is not."""

from __future__ import annotations

from typing import Any

from trivet.contracts.record import Record
from trivet.integration.valid import settle
from trivet.integration.validation import Validator


def organization(value: str) -> dict[str, Any]:
    """One that is known by a URI."""
    return {"resourceType": "Organization", "id": "o1", "name": "North", "identifier": [{"system": "urn:ietf:rfc:3986", "value": value}]}


def attached(size: int, data: str, digest: str = "") -> dict[str, Any]:
    """A document that says how long it is, and what its SHA-1 is."""
    content = [{"attachment": {"contentType": "text/plain", "size": size, "data": data, **({"hash": digest} if digest else {})}}]
    return {"resourceType": "DocumentReference", "id": "d1", "status": "current", "content": content}


def test_a_like_record_does_not_stand_in_for_another() -> None:
    """A sound record first, then one that differs only in a value on which a rule depends: it is judged, and mended."""
    for good, bad in (
        (organization("urn:oid:2.16.840.1.113883.19"), organization("2.16.840.1.113883.19")),
        (attached(4, "QUJDRA=="), attached(9, "QUJDRA==")),
        (attached(4, "QUJDRA==", "+y+FyIVn88jOm3mcfFRkLQx7QfY="), attached(4, "QUJDRQ==", "+y+FyIVn88jOm3mcfFRkLQx7QfY=")),
    ):
        record, lost, reject = settle(Record(good, ()))
        assert record is not None
        assert record.resource == good
        assert (lost, reject) == ([], None)
        record, lost, reject = settle(Record(bad, ()))
        assert (record is None) == (reject is not None)
        if record is not None:
            assert lost
            assert not [finding for finding in Validator().value(record.resource) if finding.is_error]
