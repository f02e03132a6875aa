"""The console in a real browser: every page, no error, nothing foreign, readable at 320 pixels, accessible, from number to byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trivet.console.pages import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.browser.conftest import Console, Watch

pytestmark = [pytest.mark.browser]

PATHS = [
    "/",
    "/sources",
    "/sources/lab",
    "/sources/lab/register",
    "/register",
    "/data",
    "/data/checks/feed-silent",
    "/models",
    "/models/news2",
    "/decisions",
    "/outbox",
    "/worth",
    "/evidence",
    "/evidence/3",
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def first_decision(page: Page, console: Console) -> str:
    """The address of the newest decision."""
    page.goto(console.base + "/decisions?outcome=scored")
    link = page.locator("tbody th a").first
    return console.base + str(link.get_attribute("href"))


def test_every_page_of_the_table_is_visited() -> None:
    """A new page without a visit here fails."""
    shapes = {path for path, method, _ in PAGES if method == "GET"}
    seen = {"/messages/{receipt}", "/decisions/{id}", "/decisions/{id}/replay", "/n/{name}", "/data/reviews/{id}"}
    for path in PATHS:
        parts = path.strip("/").split("/")
        seen |= {shape for shape in shapes if same(shape.strip("/").split("/"), parts)}
    assert shapes - seen == set()


def same(shape: list[str], parts: list[str]) -> bool:
    """Does an address fit a shape?"""
    return len(shape) == len(parts) and all(one == other or one.startswith("{") for one, other in zip(shape, parts, strict=True))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_sound(path: str, page: Page, console: Console, watch: Watch) -> None:
    """It answers, says one thing in its heading, breaks no policy, asks nobody else, and fits 320 pixels without scrolling sideways."""
    answer = page.goto(console.base + path)
    assert answer is not None
    assert answer.status == 200
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("main").count() == 1
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert watch.errors == []
    assert watch.foreign == []
    assert "style-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme: str, axe: str, browser: Browser, console: Console) -> None:
    """No violation of WCAG 2.2 A and AA that axe can see, on any page, in light and in dark."""
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(console.door)
    found = {}
    page.goto(console.base + "/data")
    doubt = str(page.get_by_role("region", name="Links").locator("tbody a").first.get_attribute("href"))
    for path in [*PATHS, doubt, first_decision(page, console).removeprefix(console.base)]:
        page.goto(console.base + path)
        page.evaluate(axe + "; 0")
        said = page.evaluate(
            "tags => axe.run(document, {runOnly: tags}).then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html.slice(0, 120)))", TAGS
        )
        if said:
            found[path] = said
    context.close()
    assert found == {}, json.dumps(found, indent=1)


def test_from_a_number_to_the_byte(page: Page, console: Console, watch: Watch) -> None:
    """Overview, decisions, one decision, one fact, its bytes marked in the message: five clicks, all plain links."""
    page.goto(console.base + "/")
    page.get_by_role("link", name="Decisions", exact=True).click()
    page.get_by_label("Outcome").select_option("scored")
    page.get_by_role("button", name="Show").click()
    page.locator("tbody th a").first.click()
    assert "%" in page.locator("text=values reach bytes").inner_text()
    page.locator("table a code").first.click()
    assert page.locator(".bytes mark").count() == 1
    assert page.locator(".bytes mark").inner_text().strip() != ""
    assert watch.errors == []


def test_a_name_needs_a_reason_and_leaves_a_trace(page: Page, console: Console, watch: Watch) -> None:
    """The name is hidden, is shown after a reason, and the ledger says that somebody looked."""
    page.goto(first_decision(page, console))
    assert page.locator(".banner .name .hidden-value").count() == 1
    page.get_by_text("Show the name").click()
    page.get_by_label("Why").select_option("audit")
    page.get_by_role("button", name="Show", exact=True).click()
    assert page.locator(".banner .name .hidden-value").count() == 0
    assert page.locator(".banner .name").inner_text().strip() != ""
    page.goto(console.base + "/evidence?kind=access")
    assert page.locator("table").nth(1).locator("tbody tr").count() >= 1
    assert watch.errors == []


def test_a_doubt_is_looked_at_with_a_reason_and_decided(page: Page, console: Console, watch: Watch) -> None:
    """From the queue to the doubt; both records stand side by side after a reason; the verdict takes it off the queue."""
    page.goto(console.base + "/data")
    queue = page.get_by_role("region", name="Links").locator("tbody tr")
    before = queue.count()
    queue.first.locator("a").click()
    assert page.get_by_role("region", name="Both records").count() == 0
    page.get_by_label("Why").first.select_option("quality review")
    page.get_by_role("button", name="Show both records").click()
    page.get_by_role("region", name="Both records").wait_for()
    assert page.get_by_role("region", name="Both records").locator("tbody tr").count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Who decides").fill("R. Abernathy")
    page.get_by_label("Why", exact=True).fill("seen both charts")
    page.get_by_role("button", name="Two persons").click()
    page.wait_for_url("**/data#persons")
    assert page.get_by_role("region", name="Links").locator("tbody tr").count() == before - 1
    assert watch.errors == []


def test_it_works_without_script(browser: Browser, console: Console) -> None:
    """Every page reads and every link works with script switched off."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console.door)
    for path in PATHS:
        answer = page.goto(console.base + path)
        assert answer is not None
        assert answer.status == 200
    context.close()


def test_no_session_no_page(browser: Browser, console: Console) -> None:
    """Without the one-time address there is nothing to see, and a wrong token opens nothing."""
    context = browser.new_context()
    page = context.new_page()
    for path in ("/decisions", "/?t=guess", "/decisions.json"):
        answer = page.goto(console.base + path)
        assert answer is not None
        assert answer.status == 401
    context.close()


def test_suspend_is_seen_at_once(page: Page, console: Console, home: Path) -> None:
    """The button stops a model; the page and the ledger say who did it and why."""
    page.goto(console.base + "/models/lace")
    page.get_by_label("Why").fill("browser test")
    page.get_by_role("button", name="Suspend lace").click()
    assert "suspended" in page.locator("h1").inner_text()
    assert "browser test" in page.locator("main").inner_text()
