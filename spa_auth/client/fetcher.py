"""Requests to APIs with an access token, and only to APIs."""

import asyncio
import json as json_module
import re
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from typing import Any, NoReturn

from spa_auth.client.config import ClientConfig, check_options
from spa_auth.client.context import Context
from spa_auth.client.driver import Driver
from spa_auth.client.tokens import Tokens
from spa_auth.errors import (
    ConfigurationError,
    InsufficientScopeError,
    InsufficientUserAuthenticationError,
    ProtocolError,
    ResponseError,
    TargetNotAllowedError,
    without_locals,
)
from spa_auth.protocol.challenge import Challenge, parse_challenges
from spa_auth.protocol.flows import protected_request
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.text import clean_text
from spa_auth.protocol.url import has_dot_segments, origin_of, secure_url

Body = str | bytes | None
_METHOD = re.compile(r"[A-Z]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class ResponseHeaders:
    """The headers of a response that the API lets this page see."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of a header, without regard to case."""
        value = self._response.header(name)
        return default if value is None else value


class FetchResponse:
    """What an API answered, in the shape of `pyscript.fetch`'s response: status, ok, headers, text(), json()."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self.status = response.status
        self.ok = 200 <= response.status < 300
        self.url = response.url
        self.headers = ResponseHeaders(response)

    async def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become U+FFFD."""
        return self._response.body.decode(errors="replace")

    async def json(self) -> Any:  # noqa: ANN401  JSON is whatever the API says
        """The body as JSON."""
        return json_module.loads(self._response.body)

    async def bytearray(self) -> bytearray:
        """The body as it came."""
        return bytearray(self._response.body)

    def __repr__(self) -> str:
        return f"<FetchResponse {self.status}>"


class ResponseChain:
    """A response to come: `await chain`, or at once `await chain.json()`. The request is sent once."""

    def __init__(self, send: Callable[[], Coroutine[Any, Any, FetchResponse]]) -> None:
        self._send = send
        self._task: asyncio.Task[FetchResponse] | None = None

    def __await__(self) -> Generator[Any, None, FetchResponse]:
        if self._task is None:
            self._task = asyncio.ensure_future(self._sent())
        return self._task.__await__()

    async def _sent(self) -> FetchResponse:
        try:
            return await self._send()
        except BaseException as error:  # noqa: BLE001  re-raised, without the token that was in a local
            raise without_locals(error) from error.__cause__

    async def text(self) -> str:
        """The body as text."""
        return await (await self).text()

    async def json(self) -> Any:  # noqa: ANN401  JSON is whatever the API says
        """The body as JSON."""
        return await (await self).json()

    async def bytearray(self) -> bytearray:
        """The body as it came."""
        return await (await self).bytearray()


class Fetcher:
    """Sends requests with an access token to the origins that may see one; `AuthClient.create_fetcher` makes more.

    Args:
        context: Whose tokens they are.
        tokens: Where they come from.
        config: The options that say where the API is; by default the client's.
    """

    def __init__(self, context: Context, tokens: Tokens, config: ClientConfig | None = None) -> None:
        self._context = context
        self._tokens = tokens
        self._config = context.config if config is None else config
        self._driver = Driver(context.platform, context.config.http_timeout, tokens.answer)

    def of(self, base_url: str | None, allowed_origins: Sequence[str]) -> "Fetcher":
        """A fetcher for another API; see `AuthClient.create_fetcher`."""
        config = self._config._replace(base_url=base_url, allowed_origins=allowed_origins)
        check_options(config, "base_url", "allowed_origins")
        return Fetcher(self._context, self._tokens, config)

    def fetch_with_auth(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        json: object = None,
        audience: str | None = None,
        scope: str | None = None,
        raise_for_status: bool = False,
    ) -> ResponseChain:
        """Send a request; see `AuthClient.fetch_with_auth`."""

        async def send() -> FetchResponse:
            request = Request(_method(method), self._target(url), *_content(headers, body, json))
            wanted = self._context.audience(audience)
            response = await self._driver.run(protected_request(request, wanted, self._context.scope(wanted, scope)))
            self._check(response, wanted, strict=raise_for_status)
            return FetchResponse(response._replace(url=request.url))

        return ResponseChain(send)

    def _target(self, url: str) -> str:
        target = url if _SCHEME.match(url) else self._resolve(url)
        try:
            parsed = secure_url(target)
        except ProtocolError as error:
            code = error.error if error.error == "insecure_transport" else None
            raise TargetNotAllowedError(error.error_description, error=code) from None
        if parsed.origin not in self._origins():
            raise TargetNotAllowedError("No access token is sent to this origin.", origin=parsed.origin)
        return target.partition("#")[0]

    def _resolve(self, path: str) -> str:
        if path.startswith("//") or "\\" in path:
            raise TargetNotAllowedError("This is neither a path nor an absolute address.")
        base = self._base()
        if base is not None:
            return _join(base, path)
        if self._context.platform.navigator is None:
            raise ConfigurationError('Relative addresses need "base_url" where there is no window.')
        return self._context.platform.navigator.resolve(path)

    def _base(self) -> str | None:
        navigator, base_url = self._context.platform.navigator, self._config.base_url
        if base_url is not None and navigator is not None:
            return navigator.resolve(base_url)
        if base_url is not None and "://" not in base_url:
            raise ConfigurationError('"base_url" must be absolute where there is no window.')
        return base_url

    def _origins(self) -> set[str]:
        navigator, base = self._context.platform.navigator, self._base()
        listed = set(self._config.allowed_origins)
        if base is not None:
            listed.add(origin_of(base))
        elif navigator is not None and not listed:  # the page's own origin is meant where nothing else was said
            listed.add(origin_of(navigator.url))
        return listed

    def _check(self, response: Response, audience: str | None, *, strict: bool) -> None:
        if response.status < 400:
            return
        challenges = parse_challenges(response.header("www-authenticate"))
        for challenge in challenges:
            _check_challenge(challenge)
        if strict and response.status == 401:
            self._refuse_token(challenges, audience)
        if strict:
            raise ResponseError(f"The API answered with status {response.status}.", status=response.status)

    def _refuse_token(self, challenges: list[Challenge], audience: str | None) -> NoReturn:
        asked = "without an audience" if audience is None else f'for the audience "{audience}"'
        refusal = next((each for each in challenges if each.error is not None), Challenge("bearer", {}))
        raise ResponseError(
            clean_text(refusal.parameters.get("error_description")) or "The API refused the access token.",
            status=401,
            challenge_error=refusal.error,
            remedy=f'The token was asked {asked}: set "audience" to the one that the API expects '
            f'(its log names it), and check that both use the issuer "{self._context.config.issuer}".',
        )


def _check_challenge(challenge: Challenge) -> None:
    scope = challenge.parameters.get("scope", "")
    if challenge.error == "insufficient_scope":
        refusal = InsufficientScopeError(
            "The access token does not allow this.",
            remedy=f'Log in with scope="{clean_text(scope)}" added, if you may have it.' if scope else None,
        )
        refusal.required = tuple(Scope(scope))
        raise refusal
    if challenge.error == "insufficient_user_authentication":
        raise InsufficientUserAuthenticationError(
            "The API asks for a newer or stronger login.",
            remedy="Log in again with await auth.login_with_redirect(max_age=0).",
        )


def _join(base: str, path: str) -> str:
    if has_dot_segments(path.partition("#")[0].partition("?")[0]):
        raise TargetNotAllowedError("The path leaves the base address.")
    folder = base if base.endswith("/") else f"{base}/"
    return folder + path.removeprefix("/")


def _method(method: str) -> str:
    name = method.upper()
    if not _METHOD.fullmatch(name):
        raise ConfigurationError(f"{method!r} is no HTTP method.")
    return name


def _content(headers: Mapping[str, str] | None, body: Body, json: object) -> tuple[tuple[tuple[str, str], ...], bytes]:
    given = tuple((headers or {}).items())
    names = {name.lower() for name, _ in given}
    # One Authorization header, and it is ours (RFC 6750 section 2).
    if names & {"authorization", "dpop"}:
        raise ConfigurationError("Authorization is set by fetch_with_auth itself.")
    if json is None:
        return given, body.encode() if isinstance(body, str) else body or b""
    if body is not None:
        raise ConfigurationError("Give either body or json.")
    if "content-type" not in names:
        given = (*given, ("Content-Type", "application/json"))
    return given, json_module.dumps(json).encode()
