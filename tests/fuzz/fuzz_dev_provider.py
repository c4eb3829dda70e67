"""Fuzz the endpoints of the development provider: whatever comes, the answer is never a 500.

    .venv/bin/python tests/fuzz/fuzz_dev_provider.py -max_total_time=600

The bytes choose a method, a path, parameters by their real names with real or random values, and headers. The
provider lives on from request to request, so that one finds what another has made.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Protocol

import atheris as untyped_atheris

atheris: Any = untyped_atheris

with atheris.instrument_imports(include=["spa_auth"]):
    from spa_auth.dev_provider import Client, DevProvider, Options, Organization
    from spa_auth.dev_provider.clients import DEMO, GRANT_TYPES
    from spa_auth.dev_provider.provider import ROUTES
    from spa_auth.protocol import base64url, form
    from spa_auth.protocol.http import Request, Response, header_values
    from spa_auth.protocol.pkce import code_challenge
    from spa_auth.protocol.strict_json import is_object, loads

ISSUER = "http://127.0.0.1:9400"
VERIFIER = "v" * 43
OPTIONS = Options(
    clients=(DEMO, Client(client_id="service", client_secret="secret", grant_types=GRANT_TYPES)),
    organizations=(Organization(org_id="org_1", name="acme"),),
    consent=True,
    registration="open",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "\x00")
NAMES = (
    "client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt",
    "max_age", "code_challenge", "code_challenge_method", "code_verifier", "audience", "resource", "organization",
    "request_uri", "request", "id_token_hint", "login_hint", "dpop_jkt", "grant_type", "code", "refresh_token", "token",
    "token_type_hint", "subject_token", "subject_token_type", "requested_token_type", "device_code", "user_code",
    "interaction", "csrf", "user", "name", "deny", "allow", "logout", "stay", "post_logout_redirect_uri", "returnTo",
    "logout_hint", "access_token", "x",
)  # fmt: skip
VALUES = (
    "demo", "service", "secret", "http://127.0.0.1:9401/", "http://127.0.0.1:9401/callback.html", "code", "query",
    "fragment", "form_post", "web_message", "openid", "openid profile email offline_access", "none", "login", "consent",
    "select_account", "login consent", "0", "1", "S256", VERIFIER, code_challenge(VERIFIER), "https://api.example",
    "acme", "org_1", "alice", "bob", "urn:ietf:params:oauth:token-type:access_token",
    "urn:ietf:params:oauth:token-type:id_token", "urn:example:token", *GRANT_TYPES,
)  # fmt: skip
CONTENT_TYPES = (
    "application/x-www-form-urlencoded",
    "application/json",
    "text/plain",
    "",
    "application/x-www-form-urlencoded; a=b",
)
SECRETS = ("code", "refresh_token", "access_token", "id_token", "device_code", "user_code", "request_uri",
           "registration_access_token", "client_id", "client_secret", "DPoP-Nonce")  # fmt: skip


class Data(Protocol):
    """What atheris reads out of the bytes."""

    def ConsumeBool(self) -> bool: ...  # noqa: N802  its own name
    def ConsumeIntInRange(self, least: int, most: int) -> int: ...  # noqa: N802  as above
    def ConsumeUnicodeNoSurrogates(self, count: int) -> str: ...  # noqa: N802  as above


class Fuzzer:
    """One provider, one browser's cookies, and everything that answers have shown."""

    def __init__(self) -> None:
        self.provider = DevProvider(OPTIONS)
        self.cookies: dict[str, str] = {}
        self.known: list[str] = []

    def __call__(self, data: bytes) -> None:
        """Send what the bytes spell."""
        response = asyncio.run(self.provider.handle(self._request(atheris.FuzzedDataProvider(data))))
        if response.status >= 500:
            raise AssertionError(response)
        self._learn(response)

    def _request(self, data: Data) -> Request:
        method, path = self._pick(data, METHODS), self._path(data)
        query = form.encode(self._parameters(data))
        body = form.encode(self._parameters(data)) if data.ConsumeBool() else self._text(data)
        return Request(
            method, f"{ISSUER}{path}?{query}", tuple(self._headers(data)), body.encode("utf-8", "surrogatepass")
        )

    def _headers(self, data: Data) -> list[tuple[str, str]]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [("Content-Type", self._pick(data, CONTENT_TYPES)), ("Cookie", cookies)]
        if data.ConsumeBool():
            scheme = self._pick(data, ("Bearer ", "DPoP ", "Basic ", ""))
            basic = (
                base64url.encode(b"service:secret") if scheme == "Basic " and data.ConsumeBool() else self._value(data)
            )
            headers.append(("Authorization", scheme + basic))
        if data.ConsumeBool():
            headers.append(("DPoP", self._value(data)))
        return headers

    def _path(self, data: Data) -> str:
        path = self._pick(data, (*ROUTES, "/register/", "/avatars/"))
        return path + self._value(data) if path.endswith("s/") or path == "/register/" else path

    def _parameters(self, data: Data) -> list[tuple[str, str]]:
        return [(self._pick(data, NAMES), self._value(data)) for _ in range(data.ConsumeIntInRange(0, 12))]

    def _value(self, data: Data) -> str:
        choice = data.ConsumeIntInRange(0, 3)
        if choice == 0 and self.known:
            return self._pick(data, self.known)
        return self._pick(data, VALUES) if choice < 3 else self._text(data)

    def _text(self, data: Data) -> str:
        return data.ConsumeUnicodeNoSurrogates(data.ConsumeIntInRange(0, 60))

    def _pick(self, data: Data, choices: Sequence[str]) -> str:
        return choices[data.ConsumeIntInRange(0, len(choices) - 1)]

    def _learn(self, response: Response) -> None:
        for line in header_values(response.headers, "set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        self._remember(response)

    def _remember(self, response: Response) -> None:
        location = response.header("location") or ""
        found = [value for _, value in form.parse(location.partition("?")[2])]
        if response.header("content-type") == "application/json" and response.body:
            members = loads(response.body)
            found += [str(members[name]) for name in SECRETS if is_object(members) and name in members]
        self.known = [*self.known, *found][-200:]


def main() -> None:
    """Run until the limits of the command line are reached."""
    atheris.Setup(sys.argv, Fuzzer())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
