"""A browser in memory: tabs with storage, cookies, CORS, redirects and a user who answers forms.

It does what the real one does with a page that uses spa_auth, in one process and without a network. The
callback page here does what web/callback.js does; the vector tests/vectors/transaction.json pins both.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import urljoin

from spa_auth.client.platform import Platform
from spa_auth.client.ports import Channels, Clock, Gate, Locks
from spa_auth.client.transactions import MemoryStorage
from spa_auth.errors import NetworkError, ProtocolError
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import dumps, loads_object
from spa_auth.protocol.transaction import RESPONSE_PREFIX, TRANSACTION_PREFIX
from spa_auth.protocol.url import parse_url, safe_return_to
from spa_auth.testing.clock import FakeClock
from spa_auth.testing.crypto import RealCrypto
from spa_auth.testing.forms import find_form
from spa_auth.testing.popup import FakePopup
from spa_auth.testing.profile import FakeProfile, TabChannels
from spa_auth.testing.tab_ports import TabConsole, TabNavigator, TabPage, TabTransport

MAX_STEPS = 20
_SIMPLE_HEADERS = {"accept", "accept-language", "content-language"}


class FakeBrowser:
    """One tab. Change its attributes to make it a browser of another kind.

    Args:
        page: The address of the application's page.
        callback_page: The address of callback.html, "" where there is none.
        clock: Tells the time in seconds.
        window: Whether there is a window; without it the platform is that of a worker.
        profile: What it shares with other tabs; by default it is the first tab of a new browser.

    Attributes:
        profile: Cookies, lasting storage, channels, locks and servers, shared with every `new_tab()`.
        servers: Who answers for an origin; an origin that is missing here is down.
        sent: Every request that the page's own code sent, in order.
        visited: Every address that the tab or a frame loaded, in order.
        lines: What was written to the console.
        shown: The text in each element that an error was reported to.
        choice: How the user answers a form, such as {"user": "alice"}; None leaves it unanswered.
        third_party_cookies: Whether frames of other sites get their cookies.
        isolated: Whether the page is cross-origin isolated, so that frames of other sites do not load, and popups
            look closed.
        popups: Every popup that this tab has opened.
        blocks_popups: Whether it opens none.
        locks: Web Locks; None for a browser without.
        channels: BroadcastChannel; None for a browser without.
        gate: What stands for gate.js; None for a page without.
        bound: The client whose elements these are, after its `bind()`.
    """

    def __init__(
        self, *, page: str, callback_page: str, clock: Clock, window: bool = True, profile: FakeProfile | None = None
    ) -> None:
        self.profile = FakeProfile() if profile is None else profile
        self.url = page
        self.callback_page = callback_page
        self.servers = self.profile.servers
        self.sent: list[Request] = []
        self.visited: list[str] = []
        self.lines: list[str] = []
        self.shown: dict[str, str] = {}
        self.choice: Mapping[str, str] | None = None
        self.third_party_cookies = True
        self.isolated = False
        self.popups: list[FakePopup] = []
        self.blocks_popups = False
        self.cookies = self.profile.cookies
        self.session_storage = MemoryStorage()
        self.local_storage = self.profile.local_storage
        self.errors: list[BaseException] = []
        self.locks: Locks | None = self.profile.locks
        self._lines = TabChannels(self.profile.channels)
        self.channels: Channels | None = self._lines
        self.gate: Gate | None = None
        self.bound: object = None
        self._page = page
        self._clock = clock
        self._window = window
        self._departures: asyncio.Queue[str] = asyncio.Queue()
        self._shown: set[asyncio.Future[None]] = set()

    @property
    def platform(self) -> Platform:
        """The ports of this tab."""
        return Platform(
            transport=TabTransport(self),
            crypto=RealCrypto(),
            clock=self._clock,
            console=TabConsole(self),
            navigator=TabNavigator(self, self._departures) if self._window else None,
            session_storage=self.session_storage if self._window else None,
            local_storage=self.local_storage if self._window else None,
            page=TabPage(self) if self._window else None,
            gate=self.gate,
            locks=self.locks,
            channels=self.channels,
            pause=self._pause,
        )

    def new_tab(self, *, window: bool = True) -> "FakeBrowser":
        """Another tab of the same browser with the same page, or a worker where `window` is False."""
        tab = FakeBrowser(
            page=self._page, callback_page=self.callback_page, clock=self._clock, window=window, profile=self.profile
        )
        tab.choice, tab.third_party_cookies, tab.isolated = self.choice, self.third_party_cookies, self.isolated
        return tab

    def show(self) -> None:
        """Somebody looks at this tab again: what pauses goes on."""
        for pause in self._shown:
            pause.set_result(None)
        self._shown = set()

    def unload(self) -> None:
        """End the page of this tab: it hears and says nothing any more."""
        self._lines.close()

    async def until_departure(self, action: Coroutine[Any, Any, object]) -> str:
        """Run what sends the page away, and return where to. The page's code ends there, as it does in a browser.

        Raises:
            AssertionError: The action ended and the page is still here. What it raised is raised instead.
        """
        running = asyncio.ensure_future(action)
        departure = asyncio.ensure_future(self._departures.get())
        await asyncio.wait({running, departure}, return_when=asyncio.FIRST_COMPLETED)
        if departure.done():
            running.cancel()
            await asyncio.wait({running})
            return departure.result()
        departure.cancel()
        raise AssertionError(f"The page did not leave; the action gave {running.result()!r}.")

    async def go(self, url: str) -> Response:
        """Load an address in the tab, with the redirects, forms and pages that follow from it.

        Returns the last response; `url` says where the tab is now.
        """
        if self._window:
            self.unload()
        response = await self._load(Request("GET", url), cookies=True, choice=self.choice)
        self.url = response.url
        if self._is_callback_page(response.url):
            self._run_callback_page()
        return response

    async def load_in_tab(self, url: str) -> str:
        """Load an address in another tab of the same browser, and return where it ends up."""
        tab = self.new_tab()
        tab.visited = self.visited
        return (await tab.go(url)).url

    async def load_in_frame(self, url: str) -> Response:
        """Load an address in a hidden frame, and return the last response; its `url` says where it ends up."""
        foreign = parse_url(url).host != parse_url(self.url).host
        return await self._load(Request("GET", url), cookies=self.third_party_cookies or not foreign, choice=None)

    async def fetch(self, request: Request) -> Response:
        """What the page's own code sends: CORS applies, cookies do not go along, redirects are refused."""
        self.sent.append(request)
        if _needs_preflight(request):
            await self._preflight(request)
        response = await self._answer(request)
        self._check_cors(request, response)
        if 300 <= response.status < 400:
            raise ProtocolError("The answer is a redirect, which is not followed.", error="redirect_forbidden")
        return response

    async def _load(self, request: Request, *, cookies: bool, choice: Mapping[str, str] | None) -> Response:
        for _ in range(MAX_STEPS):
            self.visited.append(request.url)
            if self._is_app(request.url):
                return Response(200, url=request.url)
            sent = request._replace(headers=(*request.headers, *(self.cookies.header(request.url) if cookies else ())))
            response = await self._answer(sent)
            if cookies:
                self.cookies.take(request.url, response)
            following = _next(request.url, response, choice)
            if following is None:
                return response._replace(url=request.url)
            request = following
        raise AssertionError(f"More than {MAX_STEPS} redirects.")

    async def _answer(self, request: Request) -> Response:
        origin = parse_url(request.url).origin
        if origin not in self.servers:
            raise NetworkError(f"{origin} does not answer.", reason="unreachable", remedy="Is it running?")
        await asyncio.sleep(0)
        return await self.servers[origin](request)

    async def _preflight(self, request: Request) -> None:
        names = ", ".join(sorted(name.lower() for name, _ in request.headers))
        headers = (
            ("Origin", parse_url(self.url).origin),
            ("Access-Control-Request-Method", request.method),
            ("Access-Control-Request-Headers", names),
        )
        response = await self._answer(Request("OPTIONS", request.url, headers))
        allowed = (response.header("access-control-allow-headers") or "").lower().replace(" ", "").split(",")
        wanted = {name.lower() for name, _ in request.headers} - _SIMPLE_HEADERS
        if response.status >= 300 or not wanted <= set(allowed):
            raise self._cors_error(request)
        self._check_cors(request, response)

    def _check_cors(self, request: Request, response: Response) -> None:
        own = parse_url(self.url).origin
        if parse_url(request.url).origin == own:
            return
        if response.header("access-control-allow-origin") not in ("*", own):
            raise self._cors_error(request)

    def _cors_error(self, request: Request) -> NetworkError:
        origin, own = parse_url(request.url).origin, parse_url(self.url).origin
        return NetworkError(f"{origin} lets this page read nothing.", reason="cors", remedy=f"Allow the origin {own}.")

    def _is_app(self, url: str) -> bool:
        origin = parse_url(url).origin
        return origin == parse_url(self.url).origin and origin not in self.servers

    def _is_callback_page(self, url: str) -> bool:
        return bool(self.callback_page) and url.partition("?")[0] == self.callback_page

    def _run_callback_page(self) -> None:
        query = parse_url(self.url).query
        self.url = self.callback_page
        state = dict(form.parse(query)).get("state", "")
        if state[:1] in ("p", "l", "s"):
            message = dumps({"type": "spa_auth:response", "state": state, "response": query}).decode()
            self.profile.channels.post(f"spa_auth:{state}", message)
        record = self.session_storage.get(TRANSACTION_PREFIX + state)
        if not state.startswith("r") or record is None:
            return
        self.session_storage.set(RESPONSE_PREFIX + state, query)
        return_to = safe_return_to(str(loads_object(record.encode())["return_to"]), self.url)
        self.url = urljoin(self.url, return_to)

    async def _pause(self, seconds: float) -> None:
        shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._clock.pause if isinstance(self._clock, FakeClock) else asyncio.sleep
        over = asyncio.ensure_future(waiting(seconds))
        self._shown.add(shown)
        try:
            await asyncio.wait({shown, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._shown.discard(shown)
            over.cancel()


def _next(url: str, response: Response, choice: Mapping[str, str] | None) -> Request | None:
    location = response.header("location")
    if response.status in (302, 303) and location is not None:
        return Request("GET", urljoin(url, location))
    found = find_form(response.body, choice) if choice and response.media_type == "text/html" else None
    if found is None or choice is None:
        return None
    sent = found.submission(choice)
    return sent._replace(url=urljoin(url, sent.url))


def _needs_preflight(request: Request) -> bool:
    names = {name.lower() for name, _ in request.headers} - _SIMPLE_HEADERS
    is_form = (request.header("content-type") or "").startswith("application/x-www-form-urlencoded")
    return request.method not in ("GET", "HEAD", "POST") or bool(names - ({"content-type"} if is_form else set()))
