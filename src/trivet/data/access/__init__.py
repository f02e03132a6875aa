"""Access by purpose and role: a decision point, consent, and a lens that a query is read through."""

from trivet.data.access.consent import Consents
from trivet.data.access.decider import Decider
from trivet.data.access.lens import Lens

__all__ = ["Consents", "Decider", "Lens"]
