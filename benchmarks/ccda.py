"""How many C-CDA documents become FHIR a second, with lineage and coverage, against `ccda-to-fhir`, and what does each lose?

    python benchmarks/ccda.py [--peer PYTHON] [--rounds 3] [FOLDER ...]

PYTHON is the interpreter of an environment of the peer's own, `python -m venv peer && peer/bin/pip install ccda-to-fhir==0.3`; without
it the peer is said to be missing. Documents are the `.xml` and `.ccda` files below the folders, by default those of the tests; two
more are made here, a PDF and a text as the whole body of a document. Sides run in turns, `rounds` times, each in its own process;
seconds are of processor time, the best of the rounds, and the rate is over the documents that both convert.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIDE = Path(__file__).with_name("ccda_peer.py")
OWN = Path(__file__).resolve().parents[1] / "tests" / "golden" / "ccda"
PDF = b"%PDF-1.4\n" + b"1 0 obj << /Type /Catalog >> endobj\n" * 400 + b"%%EOF\n"
STRUCTURED = re.compile(rb"<component\b(?:(?!<component\b).)*?<structuredBody.*</structuredBody>\s*</component>", re.S)


def with_body(document: bytes, body: bytes) -> bytes:
    """The document with another body."""
    return STRUCTURED.sub(lambda _: b"<component><nonXMLBody>" + body + b"</nonXMLBody></component>", document, count=1)


def documents(folders: list[Path]) -> dict[str, bytes]:
    """Documents by name, the two without an XML body last."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".xml", ".ccda")]
    found = {path.name: raw for path in paths if b"ClinicalDocument" in (raw := path.read_bytes())}
    first = next(raw for raw in found.values() if STRUCTURED.search(raw))
    pdf = b'<text mediaType="application/pdf" representation="B64">' + base64.b64encode(PDF) + b"</text>"
    return found | {"(a PDF)": with_body(first, pdf), "(a text)": with_body(first, b'<text mediaType="text/plain">Seen and well.</text>')}


def side(python: str, name: str, path: Path) -> dict[str, Any]:
    """One run of one side; `missing` says why there is none."""
    if not python or not Path(python).exists():
        return {"missing": "no Python of the peer: --peer"}
    done = subprocess.run([python, SIDE, name, path, "1"], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": done.stderr.strip().splitlines()[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("folders", nargs="*", type=Path, default=[OWN])
    given = parser.parse_args()
    held = documents(given.folders)
    runs: dict[str, list[list[dict[str, Any]]]] = {"trivet": [], "ccda-to-fhir": []}
    missing = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.json"
        path.write_text(json.dumps([base64.b64encode(raw).decode() for raw in held.values()]))
        for _ in range(given.rounds):
            for name, made in runs.items():
                answer = side(sys.executable if name == "trivet" else given.peer, name, path)
                missing = answer.get("missing", missing)
                if "rows" in answer:
                    made.append(answer["rows"])
    entries = sum(raw.count(b"<entry>") + raw.count(b"<entry ") for raw in held.values())
    said: dict[str, Any] = {"benchmark": "ccda", "documents": len(held), "entries": entries, "sides": {}}
    both = [number for number in range(len(held)) if all("seconds" in row[number] for made in runs.values() for row in made)]
    rates: dict[str, float] = {}
    for name, made in runs.items():
        if not made:
            continue
        rows = made[0]
        seconds = [min(one[number]["seconds"] for one in made) for number in both]
        rates[name] = len(both) / sum(seconds)
        said["sides"][name] = {
            "documents_per_cpu_second": round(rates[name], 1),
            "converted": sum("resources" in row for row in rows),
            "refused": {key: row["error"] for key, row in zip(held, rows, strict=True) if "error" in row},
            "resources": sum(row.get("resources", 0) for row in rows),
            "resources_where_both_convert": sum(rows[number]["resources"] for number in both),
            "bytes_kept_of_the_pdf": rows[-2].get("kept", 0),
            "bytes_kept_of_the_text": rows[-1].get("kept", 0),
        }
    if missing:
        said["missing"] = missing
    elif len(rates) == 2:
        said["documents_that_both_convert"] = len(both)
        said["ours_over"] = round(rates["trivet"] / rates["ccda-to-fhir"], 2)
        said["wanted"] = 3
    print(json.dumps(said, indent=2))


if __name__ == "__main__":
    main()
