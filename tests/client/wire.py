"""What stands between a client and its servers in these tests: it writes down, holds up, replaces and changes."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import NamedTuple, TypeVar

from spa_auth.client.auth_client import AuthClient
from spa_auth.dev_provider import Options
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.errors import NetworkError, SpaAuthError
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import StrictJSONError, dumps, loads_object
from spa_auth.protocol.transaction import TRANSACTION_PREFIX
from spa_auth.protocol.url import origin_of, parse_url
from spa_auth.testing import Pair, pair

T = TypeVar("T")
KEYS = SigningKeys()
AUDIENCE = "https://api.example"
API = "http://127.0.0.1:9402"
PAGE = "http://127.0.0.1:9401/"
CALLBACK = "http://127.0.0.1:9401/callback.html"
ISSUER = "http://127.0.0.1:9400/"
ELSEWHERE = "http://localhost:9400/"
JSON = (("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*"))
_SECRETS = ("code", "code_verifier", "nonce", "refresh_token", "access_token", "id_token", "id_token_hint")

Answer = Response | Exception
Change = Callable[[Response], Answer]


class Wire:
    """The provider of a pair, as the network shows it.

    Attributes:
        posts: The form of every request to the token endpoint.
        answers: What the token endpoint answers next, instead of being asked.
        changes: By the path of an endpoint, what becomes of its answers; by "redirect", of authorization responses.
        gate: Holds up answers of the token endpoint until it is set.
        answered: The members of the token endpoint's last good answer.
        secrets: Every code, verifier, nonce and token that went by.
    """

    def __init__(self, page: Pair) -> None:
        self.posts: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.answers: list[Answer] = []
        self.changes: dict[str, Change] = {}
        self.answered: dict[str, object] = {}
        self.gate: asyncio.Event | None = None
        self.secrets: set[str] = set()
        self._handle: Callable[[Request], Awaitable[Response]] = page.provider.handle
        page.browser.servers[origin_of(page.provider.issuer)] = self.handle

    async def handle(self, request: Request) -> Response:
        """Pass a request on, and its answer back."""
        url = parse_url(request.url)
        self.asked.append(f"{request.method} {url.path}")
        self._note(url.query)
        response = await (self._token(request) if url.path == "/oauth/token" else self._handle(request))
        is_answer = (response.header("location") or "").startswith((CALLBACK, PAGE))
        changed = self._changed("redirect" if is_answer else url.path, response)
        self._note(parse_url(changed.header("location") or PAGE).query if is_answer else "")
        return changed

    async def _token(self, request: Request) -> Response:
        self.posts.append(dict(form.parse(request.body.decode())))
        self._note(request.body.decode())
        if self.answers:
            answer = self.answers.pop(0)
        else:
            answer = await self._handle(request)
            self._note_members(answer)
            self.answered = loads_object(answer.body)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _changed(self, name: str, response: Response) -> Response:
        changed = self.changes[name](response) if name in self.changes else response
        if isinstance(changed, Exception):
            raise changed
        self._note_members(changed)
        return changed

    def _note(self, query: str) -> None:
        self.secrets |= {value for name, value in form.parse(query) if name in _SECRETS and len(value) > 8}

    def _note_members(self, response: Response) -> None:
        try:
            members = loads_object(response.body)
        except StrictJSONError:
            return
        self.secrets |= {str(members[name]) for name in _SECRETS if name in members and len(str(members[name])) > 8}


def page(*, window: bool = True, provider_options: Options | None = None, **options: object) -> Pair:
    """A page that calls one API; see `spa_auth.testing.pair`."""
    return pair(
        window=window,
        keys=KEYS,
        provider_options=provider_options,
        **{"audience": AUDIENCE, "base_url": API, **options},
    )


async def logged_in(
    *, window: bool = True, provider_options: Options | None = None, **options: object
) -> tuple[Pair, Wire, AuthClient]:
    """A page on which alice is logged in."""
    world = page(window=window, provider_options=provider_options, **options)
    wire = Wire(world)
    return world, wire, await world.login(await world.open())


async def departure(world: Pair, auth: AuthClient, **options: object) -> str:
    """Where a login sends the browser."""
    return await world.browser.until_departure(auth.login_with_redirect(**options))  # type: ignore[arg-type]


async def returned(world: Pair, departure: str, **options: object) -> AuthClient:
    """The client of the page after the user has been at that address."""
    await world.browser.go(departure)
    return await world.open(**options)


def json_answer(members: Mapping[str, object], status: int = 200, *headers: tuple[str, str]) -> Response:
    """A JSON answer that every page may read."""
    return Response(status, (*JSON, *headers), dumps(members))


def error_answer(error: str, status: int = 400) -> Response:
    """An OAuth error."""
    return json_answer({"error": error, "error_description": "No."}, status)


def members_changed(**changes: object) -> Change:
    """The same JSON answer with other members; ... takes one away."""

    def change(response: Response) -> Response:
        members = {**loads_object(response.body), **changes}
        return response._replace(body=dumps({name: value for name, value in members.items() if value is not ...}))

    return change


OUTAGE = NetworkError("The provider does not answer.")


class Api:
    """An API that writes down what it gets and answers what it was told to, then 200."""

    def __init__(self, world: Pair, *answers: Response, cors: str = "authorization,content-type,x-trace") -> None:
        self.requests: list[Request] = []
        self.answers = list(answers)
        self.cors = cors
        world.browser.servers[API] = self.handle

    async def handle(self, request: Request) -> Response:
        """Answer."""
        if request.method == "OPTIONS":
            origin = (("Access-Control-Allow-Origin", "*"),) if self.cors else ()
            return Response(204, (*origin, ("Access-Control-Allow-Headers", self.cors)))
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else json_answer({"notes": ["milk"]})

    @property
    def tokens(self) -> list[str]:
        """The access token of every request."""
        return [(request.header("authorization") or "").removeprefix("Bearer ") for request in self.requests]


def challenge(text: str, status: int = 401) -> Response:
    """A refusal with a challenge."""
    return json_answer({}, status, ("WWW-Authenticate", text))


class Moment(NamedTuple):
    """One event: its name, and the code of its error."""

    name: str
    error: str | None


def moments(auth: AuthClient) -> list[Moment]:
    """A list that grows with every event of a client."""
    seen: list[Moment] = []
    auth.events.on_any(lambda name, event: seen.append(Moment(name, getattr(event.error, "error", None))))
    return seen


async def failure(action: Awaitable[object]) -> SpaAuthError:
    """The error with which an action ends."""
    try:
        await action
    except SpaAuthError as error:
        return error
    raise AssertionError("Nothing was raised.")


async def settled(*actions: Coroutine[object, object, T]) -> list[T | BaseException]:
    """What each action gave or raised."""
    return list(await asyncio.gather(*actions, return_exceptions=True))


async def turns(number: int = 30) -> None:
    """Let everything else run for a while."""
    for _ in range(number):
        await asyncio.sleep(0)


def authorize_query(world: Pair) -> dict[str, str]:
    """The parameters of the last authorization request."""
    urls = [url for url in world.browser.visited if "/authorize?" in url]
    return dict(form.parse(parse_url(urls[-1]).query))


def pending(world: Pair) -> list[str]:
    """The states of the logins that wait for their answer."""
    names = world.browser.session_storage.names()
    return [name.removeprefix(TRANSACTION_PREFIX) for name in names if name.startswith(TRANSACTION_PREFIX)]


def leaks(world: Pair, secrets: set[str], *errors: BaseException | None) -> list[str]:
    """Every place where a secret can be read: errors and their frames, console, address, lasting storage, page."""
    browser = world.browser
    stored = [browser.local_storage.get(name) or "" for name in browser.local_storage.names()]
    places = {"console": browser.lines, "address": [browser.url], "storage": stored, "page": browser.shown.values()}
    found = [
        f"{place}: {text}" for place, texts in places.items() for text in texts if any(each in text for each in secrets)
    ]
    for error in [*errors, *browser.errors]:
        found += [place for place, text in _places(error) if any(secret in text for secret in secrets)]
    return found


def _places(error: BaseException | None) -> list[tuple[str, str]]:
    places: list[tuple[str, str]] = []
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if link is None or link in seen:
            continue
        seen.append(link)
        waiting += [link.__cause__, link.__context__]
        name = type(link).__name__
        texts = {"str": str(link), "repr": repr(link), "args": repr(link.args), "attributes": repr(vars(link))}
        places += [(f"{name}.{place}", text) for place, text in texts.items()]
        places.append((f"{name}.traceback", "".join(traceback.format_exception(link))))
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                where = f"{name} in {frame.f_code.co_qualname}"
                places += [(f"{where}: {local}", repr(value)) for local, value in frame.f_locals.items()]
    return places
