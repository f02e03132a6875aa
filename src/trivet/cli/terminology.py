"""`trivet terminology`: code systems of the home: load, list, lookup, validate, subsumes, translate, expand, search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import fail, home_option, json_option, opened, progress, show, table
from trivet.kernel.errors import ChecksFailed

__all__ = ["command"]

CODING = {"metavar": "SYSTEM CODE", "nargs": 2}


def version_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--version`: which release of the system is asked."""
    return click.option("--version", "version", default="", help="Of the code system; without it the release loaded last.")(function)


@click.group("terminology")
def command() -> None:
    """Code systems, value sets and maps: every answer names system and version, and what nobody knows is said to be unknown.

    SYSTEM is a URI, an OID as urn:oid:..., or a short name of maps/terminology/systems.csv (LOINC, SCT, ICD10CM, RXNORM).

    \b
    Examples:
      trivet terminology load icd10cm
      trivet terminology lookup ICD10CM E11.9 --json
    """


@command.command("load")
@click.argument("kind", type=click.Choice(["cpt", "fhir", "icd10cm", "loinc", "omop", "rxnorm", "snomed"]))
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--release", default="", help="The release, where its files do not say it.")
@home_option
@json_option
def load(kind: str, path: Path | None, release: str, home: Path, as_json: bool) -> None:
    """Load a release that you may use: the publisher's folder (snomed, loinc, rxnorm, cpt, omop), FHIR resources (fhir), or ICD-10-CM
    (icd10cm: the year's order file; without PATH the release of the installed package).

    A load that was broken off goes on where it stopped. The ledger keeps the digest of the files.

    \b
    Examples:
      trivet terminology load snomed SnomedCT_InternationalRF2_PRODUCTION_20260101T120000Z
      trivet terminology load loinc Loinc_2.81 --release 2.81
      trivet terminology load fhir CodeSystem-local.json
      trivet terminology load icd10cm icd10cm-order-2026.txt
    """
    from trivet.wiring import terminology

    with opened(home) as house:
        progress(f"loading {kind}")
        answer = terminology.load(house, kind, path, release)
    said = [f"{one['system']} {one['version']}: {one['concepts']} codes" for one in answer["editions"]]
    said += [f"{answer['left_out']} lines say nothing here and were left out"] if answer["left_out"] else []
    said += ["the same release was loaded before"] if answer["same"] else []
    show(as_json, answer, said)


@command.command("list")
@home_option
@json_option
def listed(home: Path, as_json: bool) -> None:
    """What is loaded: code systems with version, release and digest, value sets, concept maps.

    \b
    Examples:
      trivet terminology list
      trivet terminology list --json
    """
    with opened(home) as house:
        library = house.role("terminology").embedded.library
        names = ("system", "version", "name", "kind", "release", "digest", "files", "codes", "inactive")
        systems = [dict(zip(names, row, strict=True)) for row in library.rows("editions_counted")]
        valuesets = [{"url": url, "version": version} for url, version in library.rows("valuesets")]
        columns = ("map", "version", "source", "target", "rows")
        maps = [dict(zip(columns, row, strict=True)) for row in library.rows("maps")]
    loaded = [one for one in systems if one["kind"] != "shipped"]
    shown = ("system", "version", "codes", "inactive", "kind")
    body = table(shown, [[row[name] for name in shown] for row in loaded])
    said = [*body, f"{len(systems) - len(loaded)} code systems and {len(valuesets)} value sets, shipped ones included; {len(maps)} maps"]
    show(as_json, {"systems": systems, "valuesets": valuesets, "maps": maps}, said)


@command.command("lookup")
@click.argument("coding", **CODING)  # type: ignore[arg-type]
@version_option
@home_option
@json_option
def lookup(coding: tuple[str, str], version: str, home: Path, as_json: bool) -> None:
    """All that is known of a code.

    \b
    Examples:
      trivet terminology lookup ICD10CM E11.9
      trivet terminology lookup http://unitsofmeasure.org mg/dL --json
    """
    with opened(home) as house:
        found = asdict(house.role("terminology").lookup(*coding, version))
    said = [f"{found['code']}  {found['display']}", f"  {found['system']}, version {found['version']}, by {found['answered_by']}"]
    said += [] if found["active"] else ["  RETIRED"]
    said += [f"  {one['use']}: {one['text']}" for one in found["designations"]]
    said += [f"  {name} = {value}" for name, value in found["properties"]]
    show(as_json, found, said)


@command.command("validate")
@click.argument("codings", nargs=-1, required=True, metavar="SYSTEM CODE [SYSTEM CODE ...]")
@click.option("--valueset", default="", metavar="URL", help="Must also be in this value set.")
@click.option("--display", default="", help="The name that came with the code (of the first).")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE", help="Was it valid on this day?")
@version_option
@home_option
@json_option
def validate(codings: tuple[str, ...], valueset: str, display: str, at: datetime | None, version: str, home: Path, as_json: bool) -> None:
    """Is a code right? Several codings are one concept, right when one of them is. Exit 6 when not, 7 when nobody can tell.

    \b
    Examples:
      trivet terminology validate ICD10CM E11.9 --display "Type 2 diabetes mellitus without complications"
      trivet terminology validate http://hl7.org/fhir/administrative-gender female --valueset http://hl7.org/fhir/ValueSet/administrative-gender
    """
    from trivet.contracts.terminology import Coding
    from trivet.kernel.errors import Locked

    if len(codings) % 2:
        raise click.UsageError("each coding is SYSTEM CODE")
    pairs = list(zip(codings[::2], codings[1::2], strict=True))
    asked = [Coding(system, code, "" if number else version, "" if number else display) for number, (system, code) in enumerate(pairs)]
    with opened(home) as house:
        day = f"{at:%Y-%m-%d}" if at else ""
        found = [asdict(one) for one in house.role("terminology").validate_concept(asked, valueset=valueset, at=day)]
    result = found[0]["result"]
    lines = [f"{one['result']:8} {one['code']}  {one['display']}  ({one['system']}, version {one['version']})" for one in found]
    lines += [f"  {word}" for one in found for word in one["messages"]]
    show(as_json, {"result": result, "codings": found}, lines)
    if result != "valid":
        why = ", ".join(found[0]["messages"])
        fail(
            as_json,
            ChecksFailed("E391", "the code is not right", why=why) if result == "invalid" else Locked("E392", "nobody can tell", why=why),
        )


@command.command("subsumes")
@click.argument("system")
@click.argument("code")
@click.argument("other")
@version_option
@home_option
@json_option
def subsumes(system: str, code: str, other: str, version: str, home: Path, as_json: bool) -> None:
    """How CODE stands to OTHER: equivalent, subsumes, subsumed-by, not-subsumed, or unknown.

    \b
    Examples:
      trivet terminology subsumes ICD10CM E11 E11.9
      trivet terminology subsumes SCT 73211009 44054006 --json
    """
    with opened(home) as house:
        found = asdict(house.role("terminology").subsumes(system, code, other, version))
    show(as_json, found, [f"{found['outcome']} ({found['system']}, version {found['version']}) {found['reason']}".rstrip()])


@command.command("translate")
@click.argument("coding", **CODING)  # type: ignore[arg-type]
@click.option("--target", default="", metavar="SYSTEM", help="Only into this code system.")
@home_option
@json_option
def translate(coding: tuple[str, str], target: str, home: Path, as_json: bool) -> None:
    """What loaded concept maps make of a code. The site's own map of local codes is not asked here (trivet terminology suggest).

    \b
    Examples:
      trivet terminology translate ICD10CM E11.9 --target SCT
      trivet terminology translate urn:site:lab CREA --json
    """
    with opened(home) as house:
        found = [asdict(one) for one in house.role("terminology").translate(*coding, target)]
    columns = ("relation", "system", "code", "display", "map", "version")
    flat = [{**one, **one["target"], "version": one["version"]} for one in found]
    told = list(table(columns, [[one[name] for name in columns] for one in flat]))
    show(as_json, {"matches": found}, told if found else ["the maps have nothing for this code"])


@command.command("expand")
@click.argument("url")
@click.option("--filter", "text", default="", metavar="TEXT", help="Only codes with these words.")
@click.option("--active", is_flag=True, help="Only active codes.")
@click.option("--offset", type=int, default=0, show_default=True)
@click.option("--count", type=int, default=100, show_default=True)
@click.option("--version", default="", help="Of the value set.")
@home_option
@json_option
def expand(url: str, text: str, active: bool, offset: int, count: int, version: str, home: Path, as_json: bool) -> None:
    """The codes of a value set, by page.

    \b
    Examples:
      trivet terminology expand http://hl7.org/fhir/ValueSet/administrative-gender
      trivet terminology expand http://hl7.org/fhir/ValueSet/contact-point-use --filter home --json
    """
    asked = {"version": version, "text": text, "active": active, "offset": offset, "count": count}
    with opened(home) as house:
        found = asdict(house.role("terminology").expand(url, **asked))
    rows = [[one["system"], one["code"], one["display"], "" if one["active"] else "retired"] for one in found["codes"]]
    show(as_json, found, [*table(("system", "code", "display", "state"), rows), f"{len(rows)} of {found['total']} from {found['offset']}"])


@command.command("search")
@click.argument("text")
@click.option("--system", required=True)
@click.option("--limit", type=click.IntRange(min=1, max=1000), default=20, show_default=True)
@home_option
@json_option
def search(text: str, system: str, limit: int, home: Path, as_json: bool) -> None:
    """Codes of a loaded system by words in any of their names, best first.

    \b
    Examples:
      trivet terminology search "heart failure" --system ICD10CM
      trivet terminology search creatinine --system LOINC --limit 5 --json
    """
    with opened(home) as house:
        found = [asdict(one) for one in house.role("terminology").search(text, system, limit=limit)]
    show(as_json, {"hits": [{**one, "score": str(one["score"])} for one in found]}, lines(found))


def lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """Hits for people."""
    yield from table(("code", "display", "matched"), [[one["code"], one["display"], one["text"]] for one in found])
    yield f"{found[0]['system']}, version {found[0]['version']}" if found else "nothing has these words"


@command.command("changes")
@click.argument("system")
@click.option("--from", "old", required=True, metavar="VERSION", help="The release that was.")
@click.option("--to", "new", required=True, metavar="VERSION", help="The release that comes.")
@click.option("--all", "every", is_flag=True, help="Also codes that no record bears.")
@home_option
@json_option
def changes(system: str, old: str, new: str, every: bool, home: Path, as_json: bool) -> None:
    """What another release says of the codes in use: gone, retired, back, renamed, with their uses and days.

    \b
    Examples:
      trivet terminology changes LOINC --from 2.80 --to 2.81
      trivet terminology changes ICD10CM --from FY2025 --to FY2026 --all --json
    """
    from trivet.flows.map_codes import release_changes

    with opened(home) as house:
        answer = release_changes(house, system, old, new, every=every)
    columns = ("change", "code", "uses", "first", "last", "before", "after")
    sums = ", ".join(f"{count} {change}" for change, count in answer["all"].items()) or "nothing"
    body = table(columns, [[one[name] for name in columns] for one in answer["changes"]])
    show(as_json, answer, [*body, f"{answer['system']} from {old} to {new}, all codes: {sums}"])


@command.command("suggest")
@click.option("--source", default="", help="Only codes of this feed.")
@click.option("--codes", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many codes, the most frequent first.")
@click.option("--limit", type=click.IntRange(min=1, max=50), default=5, show_default=True, help="Suggestions for each.")
@home_option
@json_option
def suggest(source: str, codes: int, limit: int, home: Path, as_json: bool) -> None:
    """What the local codes in the queue may mean: ranked, with evidence, share of volume and decisions affected. Decides nothing.

    \b
    Examples:
      trivet terminology suggest --source lab
      trivet terminology suggest --limit 10 --json
    """
    from trivet.flows.map_codes import suggest_codes

    with opened(home) as house:
        answer = suggest_codes(house, source, codes=codes, limit=limit)
    show(as_json, answer, waiting(answer))


def waiting(answer: dict[str, Any]) -> Iterator[str]:
    """The queue, for people."""
    for one in answer["codes"]:
        name = f"{one['source']} {one['system']} {one['code']}  {one['display']}"
        yield f"{name}: {one['volume']} uses, {one['share']} % of what waits, {one['decisions']} decisions"
        for two in one["suggestions"]:
            people = ", needs two people" if two["approvers"] > 1 else ""
            yield f"  {two['score']} {two['system']} {two['code']}  {two['display']}  ({'; '.join(two['evidence'])}{people})"
        for gone in one["dropped"][:3]:
            yield f"  dropped {gone['code']}  {gone['display']}: {gone['why']}"
        if not one["suggestions"]:
            yield "  nothing to suggest"
    yield f"{answer['waiting']} local codes wait"
    yield from (f"not loaded, so nothing was looked up there: {system}" for system in answer["not_loaded"])


def decision_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a decision about a local code is told."""
    options = [
        click.argument("code"),
        click.option("--source", required=True, help="The feed whose code it is."),
        click.option("--system", "system", required=True, help="The local code's system, as suggest shows it."),
        click.option("--target", nargs=2, required=True, metavar="SYSTEM CODE", help="The standard code."),
        click.option("--unit", default="", metavar="UCUM", help="Only for values in this unit."),
        click.option("--by", required=True, help="Who decides."),
        click.option("--reason", required=True, help="Why."),
        home_option,
        json_option,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def decided(action: str, code: str, home: Path, as_json: bool, told: dict[str, Any]) -> None:
    """Take a decision and say what it came to."""
    from trivet.flows.map_codes import decide_code
    from trivet.wiring.terminology import choice

    given = choice(told["source"], told["system"], code, *told["target"], told["unit"])
    with opened(home) as house:
        answer = decide_code(house, action, given, by=told["by"], reason=told["reason"])
    row, missing = answer["row"], answer["approvals_missing"]
    said = [f"{row['status']}: {code} -> {row['target_system']} {row['target_code']}, ledger {answer['ledger']}"]
    said += [f"{missing} more person must approve before it holds"] if missing else []
    said += [f"what it changes in settled records: {answer['plan']} (a plan; --accept does it)"] if answer["plan"] else []
    show(as_json, answer, said)


@command.command("accept")
@decision_options
def accept(code: str, home: Path, as_json: bool, **told: Any) -> None:
    """A local code means this standard code: a row of the site's map. Where a dose hangs on it a second person must say the same.

    Units that come from now on are read with it; settled ones only after trivet remap.

    \b
    Examples:
      trivet terminology accept CREA --source lab --system urn:lab --target LOINC 2160-0 --by "dr. lab" --reason "method sheet 12"
      trivet terminology accept CREA --source lab --system urn:lab --target LOINC 14682-9 --unit umol/L --by "dr. lab" --reason "by unit"
    """
    decided("accept", code, home, as_json, told)


@command.command("reject")
@decision_options
def reject(code: str, home: Path, as_json: bool, **told: Any) -> None:
    """A local code does not mean this: it is not suggested again, and a row that was approved is retired.

    \b
    Examples:
      trivet terminology reject CREA --source lab --system urn:lab --target LOINC 2161-8 --by "dr. lab" --reason "that one is urine"
      trivet terminology reject K --source lab --system urn:lab --target LOINC 2823-3 --by "dr. lab" --reason "whole blood" --json
    """
    decided("reject", code, home, as_json, told)
