"""One browser and one set of servers for all; a new browser profile for each test."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.journey import Journey
from browser.servers import World, world
from playwright.sync_api import BrowserContext, Page, expect


def _settings() -> Any:  # noqa: ANN401  a module whose name no import can spell
    path = Path(__file__).resolve().parents[2] / "playwright.config.py"
    spec = importlib.util.spec_from_file_location("playwright_config", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SETTINGS = _settings()
expect.set_options(timeout=SETTINGS.BOOT_TIMEOUT)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    options: dict[str, object] = SETTINGS.launch_options()
    return options


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, object]:
    width, height = SETTINGS.VIEWPORT
    return {"viewport": {"width": width, "height": height}, "locale": SETTINGS.LOCALE}


@pytest.fixture(scope="session")
def running() -> Iterator[World]:
    with world() as started:
        yield started


@pytest.fixture
def servers(running: World) -> World:
    """Everything that runs, with a clean memory."""
    for provider in (running.provider, running.short):
        provider.inner.controls.reset()
        provider.journal.clear()
    running.api.clear()
    return running


@pytest.fixture
def journey(page: Page, context: BrowserContext, servers: World) -> Iterator[Journey]:
    context.set_default_timeout(SETTINGS.BOOT_TIMEOUT)
    context.set_default_navigation_timeout(SETTINGS.BOOT_TIMEOUT)
    walked = Journey(page, servers)
    yield walked
    walked.nothing_leaked()
