"""Names: original ids to deterministic ones, references to follow them.

In: a resource's type and what its sender calls it. Out: the house's id, and reference texts that lead to it. Refused: guessing;
a reference that cannot be resolved stays as it came and is noticed.
"""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.kernel import jsontext
from trivet.kernel.digest import record_id, sha256
from trivet.kernel.resources import text

__all__ = ["Names", "identifier_kind", "name_resource"]

REFERENCE = re.compile(
    r"(?:(?P<server>[a-z][a-z0-9+.-]*:.*)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?", re.S
)
CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?identifier=(?P<token>[^&]+)", re.S)
URI = "urn:ietf:rfc:3986"


@cache
def _types() -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(text("trivet.maps.fhir", "resource_types.csv")))
    return {row["type"]: row["identifier"] for row in rows}


def identifier_kind(resource_type: str) -> str:
    """`many`, `one` or `none`: how many identifiers an R4 resource of this type may have; empty for a type that R4 lacks."""
    return _types().get(resource_type, "")


class Names:
    """Who is called what in one unit, and under which servers."""

    def __init__(self, profile: SourceProfile) -> None:
        self.source = profile.source
        self.by_url: dict[str, tuple[str, str]] = {}
        self.by_token: dict[tuple[str, str], set[str]] = {}
        servers = profile.options.get("fhir_base", [])
        self.servers = {server.rstrip("/") for server in ([servers] if isinstance(servers, str) else servers)}

    def new_id(self, resource_type: str, original: str) -> str:
        """The house's id of what this source calls `original`."""
        return record_id(self.source, resource_type, original)

    def learn(self, url: str, resource_type: str, new_id: str, original: str) -> None:
        """A fullUrl and what it stands for; a RESTful one also tells the server's address."""
        self.by_url[url] = (resource_type, new_id)
        if original and url.endswith(f"/{resource_type}/{original}"):
            self.servers.add(url.removesuffix(f"/{resource_type}/{original}"))

    def learn_identifiers(self, resource: dict[str, Any], new_id: str) -> None:
        """The business identifiers of a resource, for references that search by them."""
        found = resource.get("identifier")
        for identifier in found if isinstance(found, list) else []:
            if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
                token = f"{identifier.get('system', '')}|{identifier['value']}"
                self.by_token.setdefault((resource["resourceType"], token), set()).add(new_id)

    def resolve(self, reference: str) -> tuple[str, str]:
        """The reference in the house's terms and an empty text; or the text as it came, and why it leads nowhere."""
        if reference.startswith("#"):
            return reference, ""
        if reference in self.by_url:
            return "/".join(self.by_url[reference]), ""
        found = REFERENCE.fullmatch(reference)
        if found and identifier_kind(found["type"]):
            if found["server"] is None or found["server"] in self.servers:
                return f"{found['type']}/{self.new_id(found['type'], found['id'])}", ""
            return reference, "another-server"
        found = CONDITIONAL.fullmatch(reference)
        if found:
            ids = self.by_token.get((found["type"], found["token"]), set())
            return (f"{found['type']}/{next(iter(ids))}", "") if len(ids) == 1 else (reference, "search")
        return reference, "urn" if reference.startswith("urn:") else "unknown-form"


def name_resource(resource: dict[str, Any], url: str, names: Names) -> tuple[str, str]:
    """The house's id and the original id. Without an id: from the fullUrl, else from what the resource says as a whole."""
    kind, original = resource["resourceType"], resource.get("id", "")
    if original:
        return names.new_id(kind, original), original
    if url:
        return record_id(names.source, kind, "url", url), ""
    return record_id(names.source, kind, "content", sha256(jsontext.dumps(resource))), ""
