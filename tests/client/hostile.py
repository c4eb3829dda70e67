"""A hostile provider: the real development provider, with one thing wrong in what it says.

A scenario is a name, the threats it stands for, what it changes, and what the client has to make of it.
"""

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from client.wire import (
    CALLBACK,
    ISSUER,
    JSON,
    KEYS,
    OUTAGE,
    Answer,
    Change,
    Wire,
    error_answer,
    json_answer,
    members_changed,
)
from joserfc.jwk import ECKey, Key, RSAKey
from joserfc.jws import JWSRegistry

from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.protocol import base64url, form
from spa_auth.protocol.http import Response
from spa_auth.protocol.strict_json import loads_object
from spa_auth.testing import Pair

EVIL = "https://evil.example"
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"
TOKEN = "/oauth/token"
CANARY = "CANARY-7d1f"
STRANGER = RSAKey.generate_key(2048, {"kid": "stranger", "alg": "RS256", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve", "alg": "ES256", "use": "sig"})

Claims = dict[str, Any]
Forge = Callable[[Claims, Claims], str]


class HostileKeys(SigningKeys):
    """The provider's real keys; ID tokens are made by `forge`, from their header and claims."""

    def __init__(self) -> None:
        self._key = KEYS._key
        self.forge: Forge | None = None

    def sign(self, typ: str, claims: Mapping[str, object]) -> str:
        """A token: good, or forged where it is an ID token."""
        if typ != "JWT" or self.forge is None:
            return super().sign(typ, claims)
        return self.forge({"alg": "RS256", "typ": typ, "kid": self._key.kid}, dict(claims))


class World(NamedTuple):
    """A page, its provider, and the hooks."""

    page: Pair
    wire: Wire
    keys: HostileKeys


Arm = Callable[[World], None]


class Scenario(NamedTuple):
    """One misbehaviour.

    Args:
        name: Its name.
        threats: The ids of the threats.
        arm: Sets the hooks.
        error: The code of the error that the client raises; None where it has to work all the same.
        claim: The `.claim` of that error.
        pause: How many seconds to wait before a good login works again.
        reload: Whether that needs a new load of the page.
        ends: For a refresh: whether the session ends.
        again: For a refresh: whether the refresh token may be posted again, since nothing was decided.
        options: Options of the client.
        login: Options of the login.
    """

    name: str
    threats: str
    arm: Arm
    error: str | None
    claim: str = ""
    pause: float = 0
    reload: bool = False
    ends: bool = False
    again: bool = False
    options: Mapping[str, Any] = {}
    login: Mapping[str, Any] = {}


def compact(header: object, claims: object, key: Key = KEYS._key, alg: str = "RS256") -> str:
    """A signed JWT; header and claims are JSON values, or bytes as they are."""
    text = f"{_segment(header)}.{_segment(claims)}"
    return f"{text}.{base64url.encode(cast('Any', JWSRegistry.algorithms[alg]).sign(text.encode(), key))}"


def _segment(value: object) -> str:
    return base64url.encode(value if isinstance(value, bytes) else json.dumps(value).encode())


def change(path: str, how: Change) -> Arm:
    """Change the answers of an endpoint."""

    def arm(world: World) -> None:
        world.wire.changes[path] = how

    return arm


def answer(path: str, fixed: Answer) -> Arm:
    """Answer so, after the provider itself has answered."""
    return change(path, lambda _: fixed)


def members(path: str, **changes: object) -> Arm:
    """Change members of a JSON answer; ... takes one away."""
    return change(path, members_changed(**changes))


def body(path: str, text: bytes) -> Arm:
    """Answer with another body."""
    return change(path, lambda response: response._replace(body=text))


def media_type(name: str | None) -> Arm:
    """Answer the token request with another content type."""

    def how(response: Response) -> Response:
        kept = tuple(field for field in response.headers if field[0].lower() != "content-type")
        return response._replace(headers=kept if name is None else (*kept, ("Content-Type", name)))

    return change(TOKEN, how)


def status(code: int, location: str | None = None) -> Arm:
    """Answer the token request with the same body and another status."""
    more = () if location is None else (("Location", location),)
    return change(TOKEN, lambda response: response._replace(status=code, headers=(*response.headers, *more)))


def redirect(*, extra: str = "", fragment: bool = False, **changes: str) -> Arm:
    """Change parameters of the authorization response; "" takes one away."""

    def how(response: Response) -> Response:
        address, _, query = (response.header("location") or "").partition("?")
        given = {**dict(form.parse(query)), **changes}
        text = form.encode({name: value for name, value in given.items() if value}) + extra
        return response._replace(headers=(("Location", f"{address}{'#' if fragment else '?'}{text}"),))

    return change("redirect", how)


def forged(forge: Forge) -> Arm:
    """Make ID tokens in another way."""

    def arm(world: World) -> None:
        world.keys.forge = forge

    return arm


def claims(**changes: object) -> Arm:
    """Change claims of the ID token, signed with the real key; ... takes one away, a function makes a value."""

    def forge(header: Claims, given: Claims) -> str:
        made = {**given, **{name: value(given) if callable(value) else value for name, value in changes.items()}}
        return compact(header, {name: value for name, value in made.items() if value is not ...})

    return forged(forge)


def header(**changes: object) -> Arm:
    """Change the header of the ID token, signed with the real key."""

    def forge(given: Claims, content: Claims) -> str:
        made = {**given, **changes}
        return compact({name: value for name, value in made.items() if value is not ...}, content)

    return forged(forge)


def payload(how: Callable[[Claims], bytes]) -> Arm:
    """Make the bytes of the ID token's payload in another way."""
    return forged(lambda given, content: compact(given, how(content)))


def reshaped(how: Callable[[str], str]) -> Arm:
    """Change the text of a good ID token."""
    return forged(lambda given, content: how(compact(given, content)))


def keys(how: Callable[[list[Claims]], list[Any]]) -> Arm:
    """Change the published keys."""

    def change_keys(response: Response) -> Response:
        published = cast("list[Claims]", loads_object(response.body)["keys"])
        return response._replace(body=json.dumps({"keys": how(published)}).encode())

    return change(JWKS, change_keys)


def stall(world: World) -> None:
    """Never answer a token request."""
    world.wire.gate = asyncio.Event()


def hs256(secret: bytes) -> Forge:
    """Sign with a public value as if it were a shared secret."""

    def forge(given: Claims, content: Claims) -> str:
        text = f"{_segment({**given, 'alg': 'HS256'})}.{_segment(content)}"
        return f"{text}.{base64url.encode(hmac.digest(secret, text.encode(), 'sha256'))}"

    return forge


def embedded(given: Claims, content: Claims) -> str:
    """Sign with a key that the token itself brings along."""
    return compact({**given, "jwk": STRANGER.as_dict(private=False)}, content, STRANGER)


def doubled(content: Claims) -> bytes:
    """A payload that names the subject twice."""
    return json.dumps(content).encode()[:-1] + b', "sub": "bob"}'


def access_token_as_id_token(response: Response) -> Response:
    """Hand out the access token twice."""
    got = loads_object(response.body)
    return json_answer({**got, "id_token": got["access_token"]})


def unsigned(alg: object) -> Forge:
    """A token without a signature."""
    return lambda given, content: f"{_segment({**given, 'alg': alg})}.{_segment(content)}."


def by_stranger(**more: str) -> Forge:
    """Sign with a key that is not the provider's."""
    return lambda given, content: compact({**given, **more}, content, STRANGER)


def by_alg(alg: str, key: Key) -> Forge:
    """Sign with another algorithm."""
    return lambda given, content: compact({**given, "alg": alg}, content, key, alg)


def bytes_of_answer(how: Callable[[bytes], bytes]) -> Arm:
    """Change the bytes of the token endpoint's answer."""
    return change(TOKEN, lambda response: response._replace(body=how(response.body)))


def more_headers(*headers: tuple[str, str]) -> Arm:
    """Answer the token request with more headers."""
    return change(TOKEN, lambda response: response._replace(headers=(*response.headers, *headers)))


def without_cors(response: Response) -> Response:
    """An answer that no page may read."""
    return response._replace(headers=(("Content-Type", "application/json"),))


def at(seconds: int) -> Callable[[Claims], int]:
    """A time so many seconds after the ID token was issued."""
    return lambda content: int(content["iat"]) + seconds


def infinite(content: Claims) -> bytes:
    """A payload that never expires."""
    return json.dumps({**content, "exp": 0}).encode().replace(b'"exp": 0', b'"exp": 1e999')


def as_json_serialization(given: Claims, content: Claims) -> str:
    """A JWS in the other form of RFC 7515."""
    return json.dumps({"payload": _segment(content), "protected": _segment(given)})


def other_signature(text: str) -> str:
    """The token with one letter of its signature changed."""
    return text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]


def bad(name: str, threats: str, claim: str, arm: Arm) -> Scenario:
    """An ID token that is refused, and ends the session that it was to continue."""
    return Scenario(name, threats, arm, "invalid_token", claim, ends=True)


def unusable_keys(name: str, threats: str, how: Callable[[list[Claims]], list[Any]]) -> Scenario:
    """Keys among which there is none to use."""
    return Scenario(name, threats, keys(how), "invalid_token", "kid", pause=31)


def discovery(name: str, threats: str, member: str, value: object, *, reload: bool = False) -> Scenario:
    """A discovery document with one member at fault."""
    return Scenario(name, threats, members(DISCOVERY, **{member: value}), "discovery_error", member, reload=reload)


MARKUP = f"<img src=x onerror=alert(1)>\r\n\x00\u202e{'x' * 5000}"
PUBLIC_JWK = json.dumps(KEYS.jwks).encode()
PEM = bytes(KEYS._key.as_pem(private=False))
WEAK = {"kty": "RSA", "n": base64url.encode(b"\xff" * 128), "e": "AQAB"}
OTHER_HOST = (("Location", f"{EVIL}/{CANARY}"), *JSON)

DISCOVERIES = (
    discovery("disc_issuer_other", "M01", "issuer", f"{EVIL}/"),
    discovery("disc_issuer_slash", "M01", "issuer", ISSUER[:-1]),
    discovery("disc_no_issuer", "M07", "issuer", ...),
    discovery("disc_http_token", "A27", "token_endpoint", "http://evil.example/t"),
    discovery("disc_http_authorize", "A27", "authorization_endpoint", "http://evil.example/"),
    discovery("disc_js_endpoint", "A27", "authorization_endpoint", "javascript:alert(1)"),
    discovery("disc_data_endpoint", "A27", "authorization_endpoint", "data:text/html,x"),
    discovery("disc_number_jwks", "M07", "jwks_uri", 1),
    discovery("disc_no_authorize", "M07", "authorization_endpoint", ..., reload=True),
    discovery("disc_no_token", "M07", "token_endpoint", ..., reload=True),
    discovery("disc_no_jwks", "M07", "jwks_uri", ..., reload=True),
    Scenario("disc_html", "M07", body(DISCOVERY, b"<html>"), "discovery_error"),
    Scenario("disc_list", "M07", body(DISCOVERY, b"[]"), "discovery_error"),
    Scenario("disc_empty", "M07", body(DISCOVERY, b""), "discovery_error"),
    Scenario("disc_huge", "M06", members(DISCOVERY, padding="x" * 300_000), "discovery_error"),
    Scenario("disc_endless", "M06", members(DISCOVERY, padding="x" * 2_000_000), "response_too_large"),
    Scenario("disc_deep", "M06", body(DISCOVERY, b"[" * 5000 + b"]" * 5000), "discovery_error"),
    Scenario(
        "disc_dup_keys",
        "M06",
        body(DISCOVERY, f'{{"issuer":"{ISSUER}","issuer":"{ISSUER}"}}'.encode()),
        "discovery_error",
    ),
    Scenario("disc_500", "M06", answer(DISCOVERY, json_answer({}, 500)), "discovery_error"),
    Scenario("disc_down", "M06", answer(DISCOVERY, OUTAGE), "network_error"),
    Scenario("disc_redirect_evil", "M02", answer(DISCOVERY, Response(302, OTHER_HOST)), "redirect_forbidden"),
    Scenario("disc_plain_only", "M08", members(DISCOVERY, code_challenge_methods_supported=["plain"]), None),
    Scenario(
        "disc_alg_none",
        "M08",
        members(DISCOVERY, id_token_signing_alg_values_supported=["none"]),
        "invalid_token",
        "alg",
        reload=True,
    ),
)

KEY_SETS = (
    unusable_keys("jwks_empty", "M18", lambda _: []),
    Scenario("jwks_500", "M18", answer(JWKS, json_answer({}, 500)), "discovery_error", "jwks_uri", pause=31),
    Scenario("jwks_html", "M18", body(JWKS, b"<html>"), "discovery_error", "jwks_uri", pause=31),
    Scenario("jwks_no_keys", "M07", body(JWKS, b"{}"), "discovery_error", "jwks_uri", pause=31),
    Scenario("jwks_down", "M18", answer(JWKS, OUTAGE), "network_error", pause=31),
    Scenario("jwks_redirect_evil", "M02", answer(JWKS, Response(302, OTHER_HOST)), "redirect_forbidden", pause=31),
    Scenario(
        "jwks_junk_entries",
        "M10",
        keys(lambda known: [None, 7, {"kty": "AKP"}, {"kty": "RSA", "n": "!"}, *known]),
        None,
    ),
    unusable_keys("jwks_oct", "M11", lambda _: [{"kty": "oct", "k": "a2V5a2V5", "kid": KEYS._key.kid, "alg": "RS256"}]),
    unusable_keys("jwks_private", "M11", lambda _: [{**KEYS._key.as_dict(private=True)}]),
    unusable_keys("jwks_weak", "M12", lambda _: [{**WEAK, "kid": KEYS._key.kid, "alg": "RS256"}]),
    unusable_keys("jwks_wrong_use", "M13", lambda known: [{**key, "use": "enc"} for key in known]),
    unusable_keys("jwks_wrong_alg", "M13", lambda known: [{**key, "alg": "RSA-OAEP"} for key in known]),
    unusable_keys("jwks_wrong_ops", "M13", lambda known: [{**key, "key_ops": ["encrypt"]} for key in known]),
    Scenario(
        "jwks_dup_kid",
        "M14",
        keys(lambda known: [{**STRANGER.as_dict(private=False), "kid": known[0]["kid"]}, *known]),
        None,
    ),
    Scenario("jwks_unknown_kid_always", "M15 M16", header(kid="never-published"), "invalid_token", "kid"),
)

REDIRECTS = (
    Scenario("auth_wrong_state", "A06", redirect(state="r" + "A" * 43), "state_mismatch"),
    Scenario("auth_no_state", "A07", redirect(state=""), "state_mismatch"),
    Scenario("auth_two_states", "A07", redirect(extra="&state=x"), "state_mismatch"),
    Scenario("auth_case_state", "A07", redirect(state="R" + "a" * 43), "state_mismatch"),
    Scenario("auth_wrong_iss", "A13", redirect(iss=f"{EVIL}/"), "issuer_mismatch"),
    Scenario("auth_iss_slash", "A15", redirect(iss=ISSUER[:-1]), "issuer_mismatch"),
    Scenario("auth_iss_case", "A15", redirect(iss=ISSUER.upper()), "issuer_mismatch"),
    Scenario("auth_iss_port", "A15", redirect(iss="http://127.0.0.1:09400/"), "issuer_mismatch"),
    Scenario("auth_no_iss", "A14", redirect(iss=""), "issuer_mismatch"),
    Scenario("auth_two_codes", "A11", redirect(extra="&code=x"), "invalid_response"),
    Scenario("auth_no_code", "A10", redirect(code=""), "invalid_response"),
    Scenario("auth_invented_code", "K21 K26", redirect(code=CANARY), "invalid_grant"),
    Scenario("auth_fragment", "A19", redirect(fragment=True), "state_mismatch"),
    Scenario("auth_implicit_tokens", "A18", redirect(access_token=CANARY, id_token=CANARY), "unsupported_response"),
    Scenario("auth_jarm", "A19", redirect(response=CANARY), "unsupported_response"),
    Scenario("auth_error_good_state", "A08", redirect(code="", error="access_denied"), "access_denied"),
    Scenario("auth_error_and_code", "A08", redirect(error="access_denied"), "access_denied"),
    Scenario("auth_error_bad_state", "A08", redirect(error="access_denied", state="r" + "A" * 43), "state_mismatch"),
    Scenario(
        "auth_error_html", "A09", redirect(code="", error="server_error", error_description=MARKUP), "server_error"
    ),
    Scenario("auth_error_illegal", "A09", redirect(code="", error="a b<script>"), "server_error"),
    Scenario(
        "auth_returns_elsewhere",
        "A20",
        answer("redirect", Response(302, (("Location", f"{CALLBACK}?x=1"),))),
        "state_mismatch",
    ),
)

TOKENS = (
    *(
        Scenario(f"tok_redirect_{code}", "K01", status(code, f"{EVIL}/"), "redirect_forbidden")
        for code in (301, 302, 303, 307, 308)
    ),
    Scenario("tok_redirect_same", "K01", status(307, f"{ISSUER}oauth/token"), "redirect_forbidden"),
    Scenario("tok_html_200", "K03", media_type("text/html"), "invalid_response"),
    Scenario("tok_no_ctype", "K03", media_type(None), "invalid_response"),
    Scenario("tok_text_json", "K03", media_type("text/plain"), "invalid_response"),
    Scenario("tok_truncated", "K04", bytes_of_answer(lambda text: text[:-20]), "invalid_response"),
    Scenario("tok_accept_then_rst", "K21", answer(TOKEN, OUTAGE), "network_error", again=True),
    Scenario("tok_list", "K05", body(TOKEN, b"[]"), "invalid_response"),
    Scenario("tok_null", "K05", body(TOKEN, b"null"), "invalid_response"),
    Scenario("tok_string", "K05", body(TOKEN, b'"token"'), "invalid_response"),
    Scenario("tok_number", "K05", body(TOKEN, b"7"), "invalid_response"),
    Scenario("tok_bom", "K05", bytes_of_answer(lambda text: b"\xef\xbb\xbf" + text), "invalid_response"),
    Scenario("tok_utf16", "K05", bytes_of_answer(lambda text: text.decode().encode("utf-16")), "invalid_response"),
    Scenario(
        "tok_dup_keys", "K06", bytes_of_answer(lambda text: b'{"access_token":"x",' + text[1:]), "invalid_response"
    ),
    Scenario("tok_no_at", "K07", members(TOKEN, access_token=...), "invalid_response"),
    Scenario("tok_empty_at", "K07", members(TOKEN, access_token=""), "invalid_response"),
    Scenario("tok_int_at", "K07", members(TOKEN, access_token=7), "invalid_response"),
    Scenario("tok_crlf_at", "K07 F06", members(TOKEN, access_token=f"{CANARY}\r\nX: y"), "invalid_response"),
    Scenario("tok_space_at", "K07", members(TOKEN, access_token=f"{CANARY} x"), "invalid_response"),
    Scenario("tok_unicode_at", "K07", members(TOKEN, access_token=f"{CANARY}ä"), "invalid_response"),
    Scenario("tok_1mb_at", "K07", members(TOKEN, access_token="x" * 900_000), "invalid_response"),
    Scenario("tok_no_type", "K08", members(TOKEN, token_type=...), "invalid_response"),
    Scenario("tok_mac", "K09", members(TOKEN, token_type="mac"), "unsupported_token_type"),
    Scenario("tok_upgrade", "K12", members(TOKEN, token_type="DPoP"), "unsupported_token_type"),
    Scenario("tok_header_type", "F06", members(TOKEN, token_type="Bearer x\r\nA: b"), "unsupported_token_type"),
    Scenario("tok_type_case", "K10", members(TOKEN, token_type="bEaReR"), None),
    Scenario("tok_no_expires", "K13", members(TOKEN, expires_in=...), None),
    Scenario("tok_expires_text", "K14", members(TOKEN, expires_in="3600"), None),
    *(
        Scenario(f"tok_expires_{name}", "K14", members(TOKEN, expires_in=value), "invalid_response")
        for name, value in (
            ("words", "soon"),
            ("neg", -1),
            ("float", 3600.5),
            ("bool", True),
            ("list", [1]),
            ("null", None),
        )
    ),
    Scenario("tok_expires_huge", "K14", members(TOKEN, expires_in=10**12), None),
    Scenario(
        "tok_expires_nan",
        "K14",
        body(TOKEN, b'{"access_token":"x","token_type":"Bearer","expires_in":NaN}'),
        "invalid_response",
    ),
    Scenario(
        "tok_expires_inf",
        "K14",
        body(TOKEN, b'{"access_token":"x","token_type":"Bearer","expires_in":1e999}'),
        "invalid_response",
    ),
    Scenario("tok_scope_list", "K15", members(TOKEN, scope=["openid"]), "invalid_response"),
    Scenario("tok_scope_illegal", "K15", members(TOKEN, scope='openid "x'), "invalid_response"),
    Scenario("tok_scope_less", "K15", members(TOKEN, scope="openid"), None),
    Scenario("tok_rt_int", "K17", members(TOKEN, refresh_token=7), "invalid_response"),
    Scenario("tok_rt_empty", "K17", members(TOKEN, refresh_token=""), "invalid_response"),
    Scenario("tok_error_200", "K18", members(TOKEN, error="access_denied"), "invalid_response"),
    Scenario("tok_tokens_400", "K18", status(400), "invalid_response"),
    Scenario("tok_201", "K18", status(201), "invalid_response"),
    Scenario("tok_204", "K18", status(204), "invalid_response"),
    Scenario("tok_206", "K18", status(206), "invalid_response"),
    Scenario(
        "tok_error_hostile",
        "K19",
        answer(TOKEN, json_answer({"error": "invalid_target", "error_description": MARKUP}, 400)),
        "invalid_target",
    ),
    Scenario("tok_error_nested", "K19", answer(TOKEN, json_answer({"error": {"a": [1]}}, 400)), "server_error"),
    Scenario("tok_500", "K20", status(500), "server_error", again=True),
    Scenario("tok_503", "K20", status(503), "server_error", again=True),
    Scenario("tok_429", "K20", status(429), "server_error", again=True),
    Scenario("tok_never_ends", "K23", stall, "timeout", again=True, options={"http_timeout": 0.02}),
    Scenario("tok_200mb", "K24", members(TOKEN, padding="x" * 1_100_000), "response_too_large"),
    Scenario(
        "tok_extra_members",
        "K29",
        members(TOKEN, expires_at=1, __class__="x", __proto__={"a": 1}, decoded={"sub": "bob"}),
        None,
    ),
    Scenario("tok_set_cookie", "K25", more_headers(("Set-Cookie", "a=b")), None),
    Scenario("tok_no_cors", "K31", change(TOKEN, without_cors), "network_error", again=True),
)

ID_TOKENS = (
    bad("idt_bad_sig", "I01", "signature", reshaped(other_signature)),
    bad("idt_no_sig", "I01", "signature", reshaped(lambda text: text.rpartition(".")[0] + ".")),
    bad("idt_other_key", "I01", "signature", forged(by_stranger())),
    bad("idt_none", "I02", "alg", forged(unsigned("none"))),
    bad("idt_None", "I02", "alg", forged(unsigned("nOnE"))),
    bad("idt_empty_alg", "I02", "alg", forged(unsigned(""))),
    bad("idt_list_alg", "I02", "alg", header(alg=["RS256"])),
    bad("idt_no_alg", "I02", "alg", header(alg=...)),
    bad("idt_hs256_pem", "I03", "alg", forged(hs256(PEM))),
    bad("idt_hs256_jwk", "I03", "alg", forged(hs256(PUBLIC_JWK))),
    bad("idt_hs256_clientid", "I03", "alg", forged(hs256(b"demo"))),
    bad("idt_es256", "I04", "alg", forged(by_alg("ES256", CURVE))),
    bad("idt_ps256", "I04", "alg", forged(by_alg("PS256", KEYS._key))),
    bad("idt_embedded_jwk", "M22", "signature", forged(embedded)),
    bad("idt_jku", "M22", "signature", forged(by_stranger(jku=f"{EVIL}/jwks"))),
    bad("idt_x5u", "M22", "signature", forged(by_stranger(x5u=f"{EVIL}/x5u"))),
    bad("idt_crit", "I01", "crit", header(crit=["exp"], exp=1)),
    bad("idt_crit_empty", "I01", "crit", header(crit=[])),
    bad("idt_kid_list", "M23", "kid", header(kid=["a"])),
    bad("idt_kid_path", "M23", "kid", header(kid="../../etc/passwd")),
    Scenario("idt_no_kid", "I20", header(kid=...), None),
    bad("idt_wrong_iss", "I05", "iss", claims(iss=f"{EVIL}/")),
    bad("idt_iss_slash", "I05", "iss", claims(iss=ISSUER[:-1])),
    bad("idt_no_iss", "I05", "iss", claims(iss=...)),
    bad("idt_no_aud", "I06", "aud", claims(aud=...)),
    bad("idt_other_aud", "I06 K27", "aud", claims(aud="other")),
    bad("idt_extra_aud", "I06", "aud", claims(aud=["demo", "other"])),
    bad("idt_aud_prefix", "I06", "aud", claims(aud="demo2")),
    bad("idt_aud_empty", "I06", "aud", claims(aud=[])),
    bad("idt_aud_number", "I06", "aud", claims(aud=7)),
    Scenario("idt_aud_list", "I06", claims(aud=["demo"]), None),
    bad("idt_wrong_azp", "I07", "azp", claims(azp="other")),
    bad("idt_expired", "I08", "exp", claims(exp=at(-100))),
    bad("idt_no_exp", "I08", "exp", claims(exp=...)),
    *(
        bad(f"idt_exp_{name}", "I08", "exp", claims(exp=value))
        for name, value in (("text", "9999999999"), ("bool", True), ("list", [1]), ("huge", 10**13), ("null", None))
    ),
    bad("idt_exp_inf", "I08", "json", payload(infinite)),
    bad("idt_no_iat", "I09", "iat", claims(iat=...)),
    bad("idt_iat_future", "I09", "iat", claims(iat=at(3600))),
    bad("idt_nbf_future", "I10", "nbf", claims(nbf=at(3600))),
    bad("idt_nbf_text", "I10", "nbf", claims(nbf="now")),
    Scenario("idt_wrong_nonce", "I11 K26", claims(nonce=CANARY), "nonce_mismatch", "nonce", ends=True),
    bad("idt_bad_at_hash", "I12 K27", "at_hash", claims(at_hash="A" * 22)),
    bad("idt_no_sub", "I13", "sub", claims(sub=...)),
    bad("idt_sub_object", "I13", "sub", claims(sub={"a": 1})),
    bad("idt_sub_300", "I13", "sub", claims(sub="x" * 300)),
    bad("idt_typ_at", "I14", "typ", header(typ="at+jwt")),
    bad("idt_typ_logout", "I14 I15", "typ", header(typ="logout+jwt")),
    bad(
        "idt_is_logout_token",
        "I15",
        "events",
        claims(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    ),
    bad("idt_is_access_token", "I15", "typ", change(TOKEN, access_token_as_id_token)),
    bad("idt_dup_claims", "I18", "json", payload(doubled)),
    Scenario("idt_proto", "I17", claims(__proto__={"admin": True}, __class__="x", __raw="y"), None),
    bad("idt_utf16", "I18", "json", payload(lambda content: json.dumps(content).encode("utf-16"))),
    bad("idt_bom", "I18", "json", payload(lambda content: b"\xef\xbb\xbf" + json.dumps(content).encode())),
    bad("idt_deep", "I18", "json", payload(lambda _: b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}")),
    bad("idt_jwe", "I16", "format", reshaped(lambda text: f"{text}.a.b")),
    bad("idt_padding", "I16", "signature", reshaped(lambda text: f"{text}=")),
    bad("idt_json_serialization", "I16", "format", forged(as_json_serialization)),
    Scenario("idt_xss_claims", "I25", claims(name="<img onerror=alert(1)>", picture="javascript:alert(1)"), None),
)

LOGIN_ONLY = (
    Scenario("tok_no_idt", "K16", members(TOKEN, id_token=...), "invalid_response"),
    Scenario("idt_no_nonce", "I11", claims(nonce=...), "nonce_mismatch", "nonce"),
    Scenario(
        "idt_auth_time_old", "A28", claims(auth_time=at(-100)), "invalid_token", "auth_time", login={"max_age": 0}
    ),
    Scenario("idt_no_auth_time", "A28", claims(auth_time=...), "invalid_token", "auth_time", login={"max_age": 600}),
    Scenario("idt_auth_time_text", "A28", claims(auth_time="now"), "invalid_token", "auth_time"),
)

REFRESH_ONLY = (
    Scenario("ref_other_sub", "R01", claims(sub="bob"), "sub_mismatch", "sub", ends=True),
    Scenario("ref_other_auth_time", "R02", claims(auth_time=1), "invalid_token", "auth_time", ends=True),
    Scenario("ref_old_nonce", "R02", claims(nonce=CANARY), "nonce_mismatch", "nonce", ends=True),
    Scenario("ref_no_idt", "R03", members(TOKEN, id_token=...), None),
    Scenario("ref_no_rt", "R10", members(TOKEN, refresh_token=...), None),
    Scenario("ref_invalid_grant", "R08", answer(TOKEN, error_answer("invalid_grant")), "login_required", ends=True),
    Scenario("ref_invalid_client", "R04", answer(TOKEN, error_answer("invalid_client", 401)), "invalid_client"),
)

LOGINS = (*DISCOVERIES, *KEY_SETS, *REDIRECTS, *TOKENS, *ID_TOKENS, *LOGIN_ONLY)
REFRESHES = (*TOKENS, *ID_TOKENS, *REFRESH_ONLY)
