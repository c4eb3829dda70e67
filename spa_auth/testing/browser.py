"""A browser in memory: one tab with storage, cookies, CORS, redirects and a user who answers forms.

It does what the real one does with a page that uses spa_auth, in one process and without a network. The
callback page here does what web/callback.js does; the vector tests/vectors/transaction.json pins both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NoReturn
from urllib.parse import urljoin

from spa_auth.client.platform import Platform
from spa_auth.client.ports import AnswerMode, Clock, Popup
from spa_auth.client.transactions import MemoryStorage
from spa_auth.errors import (
    LoginTimeoutError,
    NavigationError,
    NetworkError,
    ProtocolError,
    SilentAuthUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import loads_object
from spa_auth.protocol.transaction import RESPONSE_PREFIX, TRANSACTION_PREFIX
from spa_auth.protocol.url import parse_url, safe_return_to
from spa_auth.testing.cookies import CookieJar
from spa_auth.testing.crypto import RealCrypto
from spa_auth.testing.forms import find_form

Handler = Callable[[Request], Awaitable[Response]]
MAX_STEPS = 20
_SIMPLE_HEADERS = {"accept", "accept-language", "content-language"}


class FakeBrowser:
    """One tab. Change its attributes to make it a browser of another kind.

    Args:
        page: The address of the application's page.
        callback_page: The address of callback.html, "" where there is none.
        clock: Tells the time in seconds.
        window: Whether there is a window; without it the platform is that of a worker.

    Attributes:
        servers: Who answers for an origin; an origin that is missing here is down.
        sent: Every request that the page's own code sent, in order.
        visited: Every address that the tab or a frame loaded, in order.
        lines: What was written to the console.
        shown: The text in each element that an error was reported to.
        choice: How the user answers a form, such as {"user": "alice"}; None leaves it unanswered.
        third_party_cookies: Whether frames of other sites get their cookies.
        isolated: Whether the page is cross-origin isolated, so that frames of other sites do not load.
    """

    def __init__(self, *, page: str, callback_page: str, clock: Clock, window: bool = True) -> None:
        self.url = page
        self.callback_page = callback_page
        self.servers: dict[str, Handler] = {}
        self.sent: list[Request] = []
        self.visited: list[str] = []
        self.lines: list[str] = []
        self.shown: dict[str, str] = {}
        self.choice: Mapping[str, str] | None = None
        self.third_party_cookies = True
        self.isolated = False
        self.cookies = CookieJar()
        self.session_storage = MemoryStorage()
        self.local_storage = MemoryStorage()
        self.errors: list[BaseException] = []
        self._clock = clock
        self._window = window
        self._departures: asyncio.Queue[str] = asyncio.Queue()

    @property
    def platform(self) -> Platform:
        """The ports of this tab."""
        return Platform(
            transport=_Transport(self),
            crypto=RealCrypto(),
            clock=self._clock,
            console=_Console(self),
            navigator=_Navigator(self, self._departures) if self._window else None,
            session_storage=self.session_storage if self._window else None,
            local_storage=self.local_storage if self._window else None,
            page=_Page(self) if self._window else None,
        )

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
        response = await self._load(Request("GET", url), cookies=True, choice=self.choice)
        self.url = response.url
        if self._is_callback_page(response.url):
            self._run_callback_page()
        return response

    async def load_in_tab(self, url: str) -> str:
        """Load an address in another tab of the same browser, and return where it ends up."""
        return (await self._load(Request("GET", url), cookies=True, choice=self.choice)).url

    async def load_in_frame(self, url: str) -> str:
        """Load an address in a hidden frame, and return where it ends up."""
        foreign = parse_url(url).host != parse_url(self.url).host
        response = await self._load(Request("GET", url), cookies=self.third_party_cookies or not foreign, choice=None)
        return response.url

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
        record = self.session_storage.get(TRANSACTION_PREFIX + state)
        if not state.startswith("r") or record is None:
            return
        self.session_storage.set(RESPONSE_PREFIX + state, query)
        return_to = safe_return_to(str(loads_object(record.encode())["return_to"]), self.url)
        self.url = urljoin(self.url, return_to)


class _Transport:
    def __init__(self, browser: FakeBrowser) -> None:
        self._browser = browser

    async def send(self, request: Request, *, timeout: float, max_bytes: int | None) -> Response:
        try:
            async with asyncio.timeout(timeout):
                response = await self._browser.fetch(request)
        except TimeoutError:
            raise NetworkError("There was no answer in time.", reason="timeout", error="timeout") from None
        if max_bytes is not None and len(response.body) > max_bytes:
            raise ProtocolError("The answer is too large.", error="response_too_large")
        return response


class _Console:
    def __init__(self, browser: FakeBrowser) -> None:
        self._browser = browser

    def info(self, text: str) -> None:
        self._browser.lines.append(text)

    def error(self, error: BaseException) -> None:
        self._browser.errors.append(error)
        self._browser.lines.append(f"{type(error).__name__}: {error}")


class _Page:
    def __init__(self, browser: FakeBrowser) -> None:
        self._browser = browser

    def report(self, target: str, text: str) -> None:
        self._browser.shown[target] = text


class _Navigator:
    def __init__(self, browser: FakeBrowser, departures: "asyncio.Queue[str]") -> None:
        self._browser = browser
        self._departures = departures

    @property
    def url(self) -> str:
        return self._browser.url

    def resolve(self, address: str) -> str:
        return urljoin(self._browser.url, address)

    def replace_url(self, url: str) -> None:
        self._browser.url = self.resolve(url)

    async def leave(self, url: str, *, timeout: float) -> NoReturn:
        self._departures.put_nowait(url)
        await asyncio.sleep(timeout)
        raise NavigationError("The page is still here.")

    @property
    def is_isolated(self) -> bool:
        return self._browser.isolated

    def open_popup(self) -> Popup:
        raise NotImplementedError

    async def ask_in_popup(
        self, popup: Popup, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float
    ) -> str:
        raise NotImplementedError

    async def ask_in_frame(self, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float) -> str:
        browser = self._browser
        if browser.isolated:
            raise SilentAuthUnavailableError("This page is cross-origin isolated.")
        try:
            async with asyncio.timeout(timeout):
                end = parse_url(await browser.load_in_frame(url))
        except (SpaAuthError, TimeoutError):
            raise LoginTimeoutError("The provider did not answer in the frame.") from None
        is_answer = end.origin == origin and f"{end.origin}{end.path}" == browser.callback_page
        if not is_answer or dict(form.parse(end.query)).get("state") != state:
            raise LoginTimeoutError("The provider did not answer in the frame.")
        return end.query


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
