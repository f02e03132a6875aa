"""The intake journal: where a message stands, durable, for the moment until it is landed together with those behind it."""

from trivet.data.intake.journal import IntakeJournal

__all__ = ["IntakeJournal"]
