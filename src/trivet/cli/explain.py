"""`trivet explain`: one decision, from the answer down to its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from trivet.cli.options import home_option, json_option, opened, show
from trivet.kernel.errors import NotFound

__all__ = ["command"]


@click.command("explain")
@click.argument("decision")
@click.option("--by", envvar=["TRIVET_USER", "USER"], default="unknown", help="Who looks; the access is recorded first.")
@home_option
@json_option
def command(decision: str, by: str, home: Path, as_json: bool) -> None:
    """The whole story of DECISION (an id such as D-000042, or a ledger position). Shows personal data, and records that it did.

    \b
    Examples:
      trivet explain D-000042
      trivet explain D-000042 --json
    """
    from trivet.flows.account_for import account_for, note_access, remains

    with opened(home) as house:
        try:
            story = account_for(house, decision)
        except NotFound as gone:
            if gone.code != "E622":
                raise
            left = remains(house, decision)
            show(as_json, left, husk(left))
            return
        note_access(house, story, act="explain", door="cli", by=by)
        show(as_json, story, lines(story))


def husk(left: dict[str, Any]) -> Iterator[str]:
    """What is left of an erased decision, for people."""
    said = left["entry"]["notes"]
    yield f"{left['decision_id']}  {said['use']}  {said['outcome']} ({said['mode']})  ledger {left['seq']}"
    yield "  erased: the person was erased; the entry and its proof stand, its content is gone"
    for step in left["timeline"]:
        yield f"  {step['seq']:>8}  {step['at']}  {step['kind']}  {step['what']}"


def lines(story: dict[str, Any]) -> Iterator[str]:
    """The story for people."""
    record, done = story["record"], story["resolved"]
    yield f"{story['decision_id']}  {record['use']}  {record['person']}  {record['outcome']} ({record['mode']})  ledger {story['seq']}"
    yield f"  asked  about {record['instant']}, with what was known at ledger {record['as_of']}; answered {record['decided_at']}"
    yield f"  asked  at {record['site']} by {record['role']} for {record['purpose']}"
    if record["prediction"]:
        said, model = record["prediction"], record["model"]
        yield f"  answer {said['value']} ({said['label']}), bits {said['bits']}, by {model['name']} {model['version']}"
        yield f"  model  manifest {model['digest'][:16]}, artefact {record['artefact_digest'][:16]}"
    if record["withheld"]:
        yield f"  answer withheld: {', '.join(record['withheld']['failed'])}. {record['withheld']['instead']}"
    for attempt in record["attempts"]:
        permit = attempt["permit"]
        under = f"grant {permit['grant']}, answerable {permit['seats'].get('answer', 'nobody')}" if permit else attempt["reason"]
        yield f"  gate   {attempt['mode']} {attempt['model']['name']} {attempt['model']['version']}: {attempt['came_of']}; {under}"
    yield f"  {done['resolved']} of {done['features']} feature values ({done['percent']} %) reach bytes or a recorded absence"
    for feature in story["features"]:
        yield from under_feature(feature)
    for step in story["timeline"]:
        yield f"  {step['seq']:>8}  {step['at']}  {step['kind']}  {step['what']}"


def under_feature(feature: dict[str, Any]) -> Iterator[str]:
    """One feature and the bytes under it."""
    value = "absent" if feature["value"] is None else f"{feature['value']:g} {feature['unit']}".rstrip()
    yield f"  {feature['name']} = {value}" + (f"  ({feature['absence']})" if feature["absence"] else "")
    for fact in feature["facts"]:
        yield f"      {fact['record']} v{fact['version']} {fact['path']} = {fact.get('value')}  [{fact['state']}]"
        yield from (f"        repaired by {name}: trivet repair show {name}" for name in fact.get("repairs", ()))
        for span in fact["spans"][:3]:
            place = f"unit {fact['receipt']} bytes {span['offset']}+{span['length']} {span['locator']}"
            yield f"        {place} {span['text']!r} by {span['rule']}"
