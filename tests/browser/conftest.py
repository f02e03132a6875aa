"""One small home, one served console, one real Chromium for all browser tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@dataclass
class Console:
    """Where the console stands and the address that opens it."""

    base: str
    door: str


@dataclass
class Watch:
    """What must stay empty while a page is looked at."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic home that lived through the whole story."""
    folder = tmp_path_factory.mktemp("console") / "home"
    command = [sys.executable, "-m", "trivet.cli.main", "demo", "--home", str(folder), "--patients", "200", "--no-serve", "--json"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@pytest.fixture(scope="session")
def console(home: Path) -> Iterator[Console]:
    """`trivet up` over that home, ended by SIGTERM."""
    command = [sys.executable, "-m", "trivet.cli.main", "up", "--home", str(home), "--http", "127.0.0.1:8497"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        door = server.stdout.readline().split()[-1]
        for line in server.stderr:
            if line.startswith("http "):
                break
        yield Console("http://127.0.0.1:8497", door)
        server.terminate()
        assert server.wait(30) == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium, headless."""
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not on this machine: scripts/chromium installs it")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def watch() -> Watch:
    """Errors and foreign requests of the test."""
    return Watch()


@pytest.fixture
def page(browser: Browser, console: Console, watch: Watch) -> Iterator[Page]:
    """A page with a session, watched."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    made = context.new_page()
    made.on("console", lambda message: watch.errors.append(message.text) if message.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: watch.errors.append(str(error)))
    made.on("request", lambda request: watch.foreign.append(request.url) if not request.url.startswith(console.base) else None)
    made.goto(console.door)
    yield made
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script, where the test set-up could fetch it."""
    path = Path(os.environ.get("TRIVET_AXE", ".cache/axe.min.js"))
    if not path.is_file():
        pytest.skip("axe-core is not on this machine: scripts/chromium fetches it where npm is there")
    return path.read_text(encoding="utf-8")
