"""What a sink may say about a decision: the record, the question, who it is about in everybody's terms.

In: a house, a message of its outbox, the decision's record. Out: the occasion. Refused: nothing; a person nobody can name is the sink's
to reject.
"""

from __future__ import annotations

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.house import House
from trivet.contracts.outgoing import Occasion
from trivet.integration.outbound.outbox import Message

__all__ = ["occasion"]


def occasion(house: House, message: Message, record: DecisionRecord) -> Occasion:
    """Everything a sink may say about a decision. Who the person is, is taken as it is known now: a number that was corrected since the
    decision would otherwise go to the wrong chart."""
    known = house.shelf.slice(record.person, house.ledger.size())
    patients = sorted((row for row in known if row["type"] == "Patient"), key=lambda row: (row["known_seq"], row["key"]))
    use = house.office.policy.uses.get(record.use)
    release = house.office.state().by_digest(record.model.digest) if record.model else None
    return Occasion(
        message.destination,
        message.number,
        message.key,
        message.event,
        message.status,
        message.thread,
        message.earlier,
        message.at,
        record.site,
        record,
        use.question if use else "",
        release.output if release else "",
        tuple(row["resource"] for row in patients),
    )
