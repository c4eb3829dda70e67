"""The provider's own pages in a browser: narrow and wide, light and dark, with the longest names that there can be."""

from collections.abc import Iterator
from typing import Literal

import pytest
from dev_provider.harness import CALLBACK, authorize_params
from playwright.sync_api import Page

from spa_auth.dev_provider import ALICE, Client, Options, User
from spa_auth.dev_provider.thread import RunningProvider, run_in_thread
from spa_auth.protocol import form

LONG = User("l" * 200, {"name": "N" * 200, "email": "m" * 200 + "@example.com"})
LOUD = Client(client_id="loud", name="W" * 200, redirect_uris=(CALLBACK,))

# WCAG 2.2, 1.4.3: the contrast of every text with what is behind it.
LOW_CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (element) => {
    const [high, low] = [getComputedStyle(element).color, behind(element)].map(light).sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const texts = [...document.querySelectorAll("body *")].filter(hasText);
  return texts.filter((element) => contrast(element) < 4.5).map((element) => element.outerHTML);
}"""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    with run_in_thread(Options(users=(ALICE, LONG), clients=(LOUD,), consent=True)) as provider:
        yield provider


def targets(running: RunningProvider) -> Iterator[tuple[str, str]]:
    """Each page by its name; whoever goes through them in order is logged in from the third on."""
    base = running.issuer.removesuffix("/")
    scope, audience = "openid profile offline_access " + "s" * 300, "https://" + "a" * 500
    ask = form.encode(authorize_params(client_id="loud", scope=scope, audience=audience))
    yield "start", f"{base}/"
    yield "login", f"{base}/authorize?{ask}"
    yield "consent", ""
    yield "start, logged in", f"{base}/"
    yield "login, logged in", f"{base}/authorize?{ask}&prompt=login"
    yield "select account", f"{base}/authorize?{ask}&prompt=select_account"
    yield "logout", f"{base}/oidc/logout?client_id=loud"
    yield "device", f"{base}/activate"
    yield "error", f"{base}/authorize?client_id={'x' * 500}"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_on_every_page_and_nothing_runs_out_of_the_window_o09(
    running: RunningProvider, page: Page, scheme: Literal["light", "dark"], width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 640})
    for name, target in targets(running):
        if target:
            page.goto(target)
        else:
            page.locator("button.user").nth(1).click()
            assert page.locator("h1").text_content() == "Allow access?"
        assert (name, page.evaluate("document.documentElement.scrollWidth")) == (name, width)
        assert (name, page.evaluate(LOW_CONTRASTS)) == (name, [])
