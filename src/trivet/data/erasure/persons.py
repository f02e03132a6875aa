"""Who is who, without a person: what was compared of their records, keys, names counted, links, events, doubts."""

from __future__ import annotations

from collections.abc import Sequence

from trivet.contracts.ports import Tx
from trivet.data.erasure.statements import sql
from trivet.data.identity.features import Features, features
from trivet.data.identity.register import features_of
from trivet.kernel import jsontext

__all__ = ["forget_person"]


EVERY = 1_000  # values of a list that are looked at


def terms_of(known: Features) -> set[tuple[str, str]]:
    """The names that are counted of a record, with their field."""
    pairs = {("family", name.family) for name in known.names} | {("given", name.given) for name in known.names}
    return {pair for pair in pairs if pair[1]}


def forget_person(tx: Tx, members: Sequence[tuple[str, tuple[int, str]]], subjects: Sequence[str]) -> None:
    """Remove every row about these Patient records; others' events stay, without them. `members`: subject, (number, features)."""
    listed = jsontext.dumps(list(subjects)).decode("utf-8")
    numbers = jsontext.dumps([number for _, (number, _) in members]).decode("utf-8")
    borne: set[tuple[str, str]] = set()
    for _, (_, packed) in members:
        terms = terms_of(features_of(packed))
        tx.executemany(sql("erase_term_less"), sorted(terms))
        borne |= terms
    tx.execute(sql("erase_term_gone"))
    said: set[tuple[str, str]] = set()
    for (body,) in tx.execute(sql("erase_patients"), (listed,)):
        said |= terms_of(features(jsontext.loads(body), EVERY))
    tx.execute(sql("erase_identity_key"), (numbers,))
    tx.execute(sql("erase_identity_record"), (numbers,))
    for field, term in sorted(said - borne):
        tx.execute(sql("erase_term_unborne"), {"field": field, "term": term})
    tx.execute(sql("erase_link"), (listed,))
    tx.execute(sql("erase_link_event"), (listed,))
    gone = set(subjects)
    for number, other, moved in tx.execute(sql("erase_link_moved"), {"subjects": listed}):
        left = [one for one in jsontext.loads(moved) if one not in gone]
        told = "" if other in gone else other
        tx.execute(sql("erase_link_told"), (told, jsontext.dumps(left).decode("utf-8"), number))
    tx.execute(sql("erase_link_review"), {"subjects": listed})
    tx.execute(sql("erase_link_apart"), {"subjects": listed})
