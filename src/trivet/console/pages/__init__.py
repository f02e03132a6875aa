"""Every page: address, method, function. A new page is a line here, and the browser test walks this table."""

from __future__ import annotations

from collections.abc import Callable

from trivet.console.page import Page
from trivet.console.pages.data import check, compare, data, decide, review
from trivet.console.pages.decisions import decision, decisions, replayed, reveal
from trivet.console.pages.evidence import evidence, proof
from trivet.console.pages.models import model, models
from trivet.console.pages.outbox import outbox
from trivet.console.pages.overview import overview, suspend
from trivet.console.pages.register import interfaces, register
from trivet.console.pages.sources import message, source, sources
from trivet.console.pages.worth import figure, worth

__all__ = ["PAGES"]

PAGES: list[tuple[str, str, Callable[..., Page]]] = [
    ("/", "GET", overview),
    ("/sources", "GET", sources),
    ("/sources/{name}", "GET", source),
    ("/sources/{name}/register", "GET", register),
    ("/register", "GET", interfaces),
    ("/messages/{receipt}", "GET", message),
    ("/data", "GET", data),
    ("/data/checks/{id}", "GET", check),
    ("/data/reviews/{id}", "GET", review),
    ("/data/reviews/{id}/compare", "POST", compare),
    ("/data/reviews/{id}/decide", "POST", decide),
    ("/models", "GET", models),
    ("/models/{name}", "GET", model),
    ("/models/{name}/suspend", "POST", suspend),
    ("/decisions", "GET", decisions),
    ("/decisions/{id}", "GET", decision),
    ("/decisions/{id}/replay", "GET", replayed),
    ("/outbox", "GET", outbox),
    ("/persons/{person}/reveal", "POST", reveal),
    ("/worth", "GET", worth),
    ("/n/{name}", "GET", figure),
    ("/evidence", "GET", evidence),
    ("/evidence/{seq}", "GET", proof),
]
