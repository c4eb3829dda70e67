"""The provider's own pages in a browser: narrow and wide, light and dark, with the longest names that there can be.

And without a mouse: the second half presses Tab and Enter, and types.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast

import httpx
import pytest
from dev_provider.harness import CALLBACK, authorize_params
from playwright.sync_api import Browser, Locator, Page

from spa_auth.dev_provider import ALICE, Client, Options, User
from spa_auth.dev_provider.thread import RunningProvider, run_in_thread
from spa_auth.protocol import form

LONG = User("l" * 200, {"name": "N" * 200, "email": "m" * 200 + "@example.com"})
LOUD = Client(client_id="loud", name="W" * 200, redirect_uris=(CALLBACK,))
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TV = Client(client_id="tv", name="Television", grant_types=(DEVICE_CODE,))

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


class Application(ThreadingHTTPServer):
    """An application that remembers what was sent to its redirect_uri, by GET in a query or by POST."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Callback)
        self.received: list[str] = []
        self.redirect_uri = f"http://127.0.0.1:{self.server_port}/callback"

    def ask(self, **params: str) -> str:
        """The query of an authorization request."""
        return form.encode(authorize_params(client_id="app", redirect_uri=self.redirect_uri, **params))


class Callback(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(self.path.partition("?")[2])

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, received: str) -> None:
        if received:  # the browser asks for an icon, too
            cast("Application", self.server).received.append(received)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>The application</h1>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class has it
        """Nothing: the test tells what it sees."""


@pytest.fixture(scope="module")
def server() -> Iterator[Application]:
    with Application() as application:
        threading.Thread(target=application.serve_forever, daemon=True).start()
        yield application
        application.shutdown()


@pytest.fixture
def application(server: Application) -> Application:
    server.received.clear()
    return server


@pytest.fixture(scope="module")
def running(server: Application) -> Iterator[RunningProvider]:
    app = Client(client_id="app", name="Notes", redirect_uris=(server.redirect_uri,))
    with run_in_thread(Options(users=(ALICE, LONG), clients=(LOUD, TV, app), consent=True)) as provider:
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


def tab_to(page: Page, name: str) -> Locator:
    """Press Tab until a button of that name has the focus, and can be seen to have it (WCAG 2.2, 2.4.7)."""
    button = page.get_by_role("button", name=name)
    for _ in range(20):
        focused = page.locator(":focus")
        if focused.count() and focused.evaluate("(it, wanted) => it === wanted", button.element_handle()):
            assert focused.evaluate("(it) => getComputedStyle(it).outlineStyle") == "solid"
            return button
        page.keyboard.press("Tab")
    raise AssertionError(f"No Tab leads to {name}.")


def enter(page: Page, name: str) -> None:
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def heading(page: Page) -> str | None:
    return page.locator("h1").text_content()


def device(running: RunningProvider) -> dict[str, str]:
    """What a device is answered that asks for its codes."""
    fields = {"client_id": "tv", "scope": "openid"}
    answer: dict[str, str] = httpx.post(f"{running.issuer}oauth/device/code", data=fields).json()
    return answer


def polled(running: RunningProvider, codes: dict[str, str]) -> dict[str, str]:
    fields = {"client_id": "tv", "grant_type": DEVICE_CODE, "device_code": codes["device_code"]}
    answer: dict[str, str] = httpx.post(f"{running.issuer}oauth/token", data=fields).json()
    return answer


@pytest.mark.parametrize(("button", "answer"), [("Allow", "code"), ("Deny and go back", "error")])
def test_consent_is_given_and_refused_by_the_keyboard(
    running: RunningProvider, application: Application, page: Page, button: str, answer: str
) -> None:
    page.goto(f"{running.issuer}authorize?{application.ask(prompt='login consent')}")
    enter(page, "Alice Archer")
    assert heading(page) == "Allow access?"
    enter(page, button)
    assert heading(page) == "The application"
    [response] = application.received
    assert answer in form.unique(form.parse(response))


def test_whoever_sees_an_error_needs_no_key(running: RunningProvider, page: Page) -> None:
    page.goto(f"{running.issuer}authorize?client_id=unknown")
    assert heading(page) == "That did not work"
    # There is nothing to press, and nothing that only a mouse could reach: the text says what to do.
    assert page.locator("button, a, input, [onclick], [tabindex]").count() == 0
    page.keyboard.press("Tab")
    assert page.locator("body *:focus").count() == 0


@pytest.mark.parametrize(
    ("button", "title", "member"),
    [
        ("Connect this device", "Your device is connected", "access_token"),
        ("This is not my device", "The device was refused", "error"),
    ],
)
def test_a_device_is_connected_and_refused_by_the_keyboard(
    running: RunningProvider, page: Page, button: str, title: str, member: str
) -> None:
    codes = device(running)
    page.goto(f"{running.issuer}activate")
    page.keyboard.type("BBBB-BBBB")  # the field has the focus
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.get_by_role("alert").count() == 1
    assert page.locator("#user_code:focus").count() == 1
    page.keyboard.press("Control+A")
    page.keyboard.type(codes["user_code"])
    enter(page, "Continue")
    enter(page, "Alice Archer")
    assert heading(page) == "Connect this device?"
    enter(page, button)
    assert heading(page) == title
    assert member in polled(running, codes)


def test_without_scripts_the_keyboard_sends_the_response_on(
    running: RunningProvider, application: Application, browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        ask = application.ask(prompt="login consent", response_mode="form_post")
        page.goto(f"{running.issuer}authorize?{ask}")
        enter(page, "Alice Archer")
        enter(page, "Allow")
        assert heading(page) == "One moment"
        assert application.received == []
        enter(page, "Continue")
        assert heading(page) == "The application"
        [response] = application.received
        assert form.unique(form.parse(response))["state"] == "s-1"
