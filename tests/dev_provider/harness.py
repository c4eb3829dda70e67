"""A user with a browser and an application, in front of a provider. No socket, nothing patched."""

import asyncio
import html
import re
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.events import Event
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.dev_provider.service import Send, no_way_out
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response, header_values
from spa_auth.protocol.pkce import code_challenge
from spa_auth.protocol.strict_json import loads_object

ISSUER = "http://127.0.0.1:9400/"
CALLBACK = "http://127.0.0.1:9401/callback.html"
VERIFIER = "v" * 43
KEYS = SigningKeys()
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
FIRST_OF_JANUARY = 1_767_225_600


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now: float = FIRST_OF_JANUARY

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """One provider, one browser in front of it, and the list of all events."""

    options: Options = field(default_factory=Options)
    clock: Clock = field(default_factory=Clock)
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    events: list[tuple[str, Event]] = field(default_factory=list[tuple[str, Event]])
    way_out: Send = no_way_out
    control_token: str | None = None

    def __post_init__(self) -> None:
        self.provider = DevProvider(
            self.options, clock=self.clock, keys=KEYS, send=self.way_out, control_token=self.control_token
        )
        self.provider.events.on_any(lambda name, event: self.events.append((name, event)))

    @property
    def trace(self) -> list[str]:
        """The names of the events so far, in order."""
        return [name for name, _ in self.events]

    def send(self, method: str, target: str, *headers: tuple[str, str], body: str = "") -> Response:
        """One request without cookies, as a script sends it."""
        url = target if target.startswith("http") else ISSUER.removesuffix("/") + target
        return asyncio.run(self.provider.handle(Request(method, url, headers, body.encode())))

    def visit(self, method: str, target: str, fields: dict[str, str] | None = None) -> Response:
        """One request with the browser's cookies, which the answer may change."""
        cookie = ("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        response = self.send(method, target, cookie, *(FORM if fields else ()), body=form.encode(fields or {}))
        for line in header_values(response.headers, "set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def authorize(self, **params: str) -> Response:
        """An authorization request of the demo application with some parameters changed; "" is as good as absent."""
        return self.visit("GET", "/authorize?" + form.encode(authorize_params(**params)))

    def answer(self, response: Response, **fields: str) -> Response:
        """Follow the redirect to a page of the provider and send its form with these fields."""
        location = response.header("location") or ""
        page = self.visit("GET", location)
        assert page.status == 200, page.body
        return self.visit("POST", location.partition("?")[0], {**hidden_fields(page), **fields})

    def login(self, user: str = "alice", **params: str) -> dict[str, str]:
        """Log in with one click, whoever was logged in before; returns the parameters of the authorization response."""
        return answered(self.answer(self.authorize(**{"prompt": "login", **params}), user=user))

    def token(self, **params: str) -> Response:
        """A token request of the demo application."""
        return self.send("POST", "/oauth/token", *FORM, body=form.encode({"client_id": "demo", **params}))

    def exchange(self, code: str, **params: str) -> Response:
        """Exchange a code."""
        given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **params}
        return self.token(grant_type="authorization_code", **given)

    def tokens(self, user: str = "alice", **params: str) -> dict[str, Any]:
        """Log in and exchange the code."""
        return self.tokens_of(self.login(user, **params)["code"])

    def tokens_of(self, code: str) -> dict[str, Any]:
        """Exchange a code that must be good."""
        return members(self.exchange(code))

    def refresh(self, refresh_token: str, **params: str) -> Response:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **params)

    def userinfo(self, access_token: str) -> Response:
        """Ask for the claims of the user."""
        return self.send("GET", "/userinfo", ("Authorization", f"Bearer {access_token}"))

    def verified(self, token: str) -> jwt.Token:
        """A JWT, verified with the keys that the provider publishes."""
        key_set: Any = loads_object(self.send("GET", "/.well-known/jwks.json").body)
        return jwt.decode(token, KeySet.import_key_set(key_set), algorithms=["RS256"])


def authorize_params(**params: str) -> dict[str, str]:
    """The parameters of a good authorization request."""
    base = {
        "client_id": "demo",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile email",
        "state": "s-1",
        "nonce": "n-1",
        "code_challenge": code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {**base, **params}


def hidden_fields(page: Response) -> dict[str, str]:
    """The hidden fields of the first form of a page."""
    first = page.body.decode().partition("</form>")[0]
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', first)
    }


def answered(response: Response) -> dict[str, str]:
    """The parameters of an authorization response at the demo application."""
    location = response.header("location") or ""
    assert response.status == 303, response.body
    assert location.startswith(CALLBACK), location
    return form.unique(form.parse(location.partition("?")[2]))


def members(response: Response, status: int = 200) -> dict[str, Any]:
    """The members of a JSON answer."""
    assert response.status == status, response.body
    return loads_object(response.body)


def error_of(response: Response) -> str:
    """The error code of a JSON answer."""
    return str(loads_object(response.body)["error"])
