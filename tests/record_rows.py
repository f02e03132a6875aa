"""Record versions by hand, in the shape that the shelf gives."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from trivet.kernel.jsontext import dumps, loads

__all__ = ["SCHEMA", "version", "versions"]

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("type", pa.string()),
        ("id", pa.string()),
        ("version", pa.int64()),
        ("subject", pa.string()),
        ("person", pa.string()),
        ("valid_at", pa.string()),
        ("known_seq", pa.int64()),
        ("receipt", pa.int64()),
        ("source", pa.string()),
        ("deleted", pa.bool_()),
        ("body", pa.string()),
    ]
)


def version(
    body: str | dict[str, Any], known: int, *, person: str | None = "p-1", at: str | None = None, number: int = 1, **more: Any
) -> dict[str, Any]:
    """One record version. `body` is JSON text where digits matter."""
    text = body if isinstance(body, str) else dumps(body).decode()
    resource = loads(text)
    row = {
        "key": f"{resource['resourceType']}/{resource['id']}",
        "type": resource["resourceType"],
        "id": resource["id"],
        "version": number,
        "subject": resource.get("subject", {}).get("reference") or (f"Patient/{person}" if person else None),
        "person": person,
        "valid_at": at,
        "known_seq": known,
        "receipt": known,
        "source": "test",
        "deleted": False,
        "body": text,
    }
    return {**row, **more}


def versions(*rows: dict[str, Any]) -> pa.Table:
    """The relation `record_version`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)
