"""One side of the C-CDA benchmark, run by either Python: reads documents, converts them again and again.

    python ccda_peer.py NAME DOCUMENTS.json ROUNDS

NAME is `trivet` or `ccda-to-fhir`. Started by `ccda.py`, in a process of its own. Prints one JSON object: for each document the best
seconds of processor time, the resources made, and the bytes of attachments kept; or `missing` when the package is not there.
"""

from __future__ import annotations

import base64
import importlib
import json
import logging
import pkgutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def trivet() -> Callable[[bytes], list[Any]]:
    """Records with lineage and coverage."""
    from trivet.contracts.profile import SourceProfile
    from trivet.integration.formats.ccda import CcdaFormat

    form, feed = CcdaFormat(), SourceProfile("bench", "ccda", zone="America/New_York")

    def convert(raw: bytes) -> list[Any]:
        told = form.translate(raw, feed)
        if not told.records:
            raise ValueError("rejected")
        return [record.resource for record in told.records]

    return convert


def peer() -> Callable[[bytes], list[Any]]:
    """A bundle by `ccda-to-fhir` (MIT). As published, most documents die on a model that lacks a forward reference: built again here."""
    from ccda_to_fhir import convert_document
    from ccda_to_fhir.ccda import models
    from pydantic import BaseModel

    logging.disable(logging.CRITICAL)
    modules = [importlib.import_module(f"{models.__name__}.{one.name}") for one in pkgutil.iter_modules(models.__path__)]
    kinds = [(name, kind) for module in modules for name, kind in vars(module).items() if isinstance(kind, type)]
    names = dict(reversed(kinds))
    names["Informant"] = importlib.import_module(f"{models.__name__}.clinical_document").Informant
    for kind in dict.fromkeys(kind for _, kind in kinds if issubclass(kind, BaseModel) and kind is not BaseModel):
        kind.model_rebuild(force=True, _types_namespace=names)

    def convert(raw: bytes) -> list[Any]:
        told: Any = convert_document(raw.decode("utf-8-sig"))
        bundle = told["bundle"] if isinstance(told, dict) else told.bundle
        return [entry["resource"] for entry in bundle["entry"]]

    return convert


def kept(resources: list[Any]) -> int:
    """Bytes of attachments and binaries, whatever holds them."""
    total, waiting = 0, list(resources)
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            data = held.get("data")
            if isinstance(data, str):
                total += len(base64.b64decode(data))
            waiting += held.values()
        elif isinstance(held, list):
            waiting += held
    return total


def main() -> None:
    """Print one JSON object."""
    name, path, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    try:
        convert = {"trivet": trivet, "ccda-to-fhir": peer}[name]()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    rows: list[dict[str, Any]] = []
    for text in json.loads(path.read_text()):
        raw = base64.b64decode(text)
        try:
            made = convert(raw)
        except Exception as error:  # whatever the peer raises is its answer
            rows.append({"error": f"{type(error).__name__}: {error}"[:100]})
            continue
        best = 1e9
        for _ in range(rounds):
            began = time.process_time()
            convert(raw)
            best = min(best, time.process_time() - began)
        rows.append({"seconds": best, "resources": len(made), "kept": kept(made)})
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
