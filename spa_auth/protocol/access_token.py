"""Access tokens that are JWTs, judged by a resource server (RFC 9068, RFC 7519, RFC 8725): its rules and its flow.

What a page has no use for: the browser wheel leaves this module out.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from spa_auth.errors import JWTError
from spa_auth.protocol import effects
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.flows import verify_jwt
from spa_auth.protocol.id_token import Claims
from spa_auth.protocol.jwt import MAX_TOKEN_LENGTH, UnverifiedJWT, VerifiedJWT, check_times, parse_jwt
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import is_array, is_texts


class Rules(NamedTuple):
    """What an access token must say to be accepted; `leeway` in seconds, `max_length` in characters."""

    issuer: str
    audiences: Collection[str]
    leeway: float = 60
    max_length: int = MAX_TOKEN_LENGTH


def access_token_claims(token: str, provider: Provider, rules: Rules, algorithms: Collection[str]) -> Flow[Claims]:
    """Validate an access token for a resource server (RFC 9068 section 4).

    Raises:
        JWTError: The token is not accepted; `.claim` says why.
        DiscoveryError: The provider's keys cannot be used.
        NetworkError: The provider does not answer, and its keys are not known.
    """
    jwt = parse_jwt(token, max_length=rules.max_length)
    check_iss(jwt, rules)  # before any request: nobody makes this API ask for the keys of another issuer
    verified = yield from verify_jwt(jwt, provider, algorithms)
    return validate_access_token(verified, rules, (yield from effects.now()))


def validate_access_token(token: VerifiedJWT, rules: Rules, now: float) -> Mapping[str, object]:
    """The claims of an access token that passes every rule.

    Raises:
        JWTError: A rule is broken; `.claim` names the claim.
    """
    for check in CHECKS:
        check(token, rules)
    check_times(token.claims, now, rules.leeway)
    return token.claims


def check_typ(token: VerifiedJWT, _rules: Rules) -> None:
    """The token says it is an access token, or nothing that speaks against it (RFC 9068 section 4)."""
    typ = str(token.header.get("typ", "JWT")).lower().removeprefix("application/")
    if typ not in ("at+jwt", "jwt"):
        raise JWTError("The token is of another kind than an access token.", claim="typ")
    if typ == "jwt":
        _refuse_id_token(token.claims)


def check_iss(token: VerifiedJWT | UnverifiedJWT, rules: Rules) -> None:
    """The issuer is exactly the configured one (RFC 9068 section 4)."""
    if token.claims.get("iss") != rules.issuer:
        raise JWTError("The token was issued by another provider.", claim="iss")


def check_aud(token: VerifiedJWT, rules: Rules) -> None:
    """One of the token's audiences is this API (RFC 7519 section 4.1.3)."""
    aud = token.claims.get("aud")
    named = [aud] if isinstance(aud, str) else aud
    if not is_array(named) or not any(isinstance(name, str) and name in rules.audiences for name in named):
        raise JWTError("The token was issued for another API.", claim="aud")


def check_sub(token: VerifiedJWT, _rules: Rules) -> None:
    """The subject, where it is named, is a text."""
    sub = token.claims.get("sub", "")
    if not isinstance(sub, str) or len(sub) > 255:
        raise JWTError("The subject of the token is malformed.", claim="sub")


def check_cnf(token: VerifiedJWT, _rules: Rules) -> None:
    """A token that is bound to a key is no bearer token (RFC 7800 section 3, RFC 9449 section 7.2)."""
    if "cnf" in token.claims:
        raise JWTError("The token is bound to a key and cannot be used as a bearer token.", claim="cnf")


def check_scope(token: VerifiedJWT, _rules: Rules) -> None:
    """The scope is legal, and not said twice differently."""
    token_scope(token.claims)


def token_scope(claims: Mapping[str, object]) -> Scope:
    """The scope of an access token: `scope`, else `scp`, a text or a list of texts.

    Raises:
        JWTError: It is malformed, or both claims are there and differ.
    """
    named = [_scope(claims, name) for name in ("scope", "scp") if name in claims]
    if len({frozenset(scope) for scope in named}) > 1:
        raise JWTError("The token names two different scopes.", claim="scope")
    return named[0] if named else Scope()


def _scope(claims: Mapping[str, object], name: str) -> Scope:
    value = claims[name]
    words = [value] if isinstance(value, str) else value
    if not is_texts(words) or not Scope(words).is_legal:
        raise JWTError("The scope of the token is malformed.", claim=name)
    return Scope(words)


def _refuse_id_token(claims: Mapping[str, object]) -> None:
    # Without a type of its own only these claims tell an ID token; it must never open an API (RFC 9068 section 5).
    for name in ("nonce", "at_hash", "c_hash", "events"):
        if name in claims:
            raise JWTError("The token is an ID token.", claim=name)


CHECKS: tuple[Callable[[VerifiedJWT, Rules], None], ...] = (
    check_typ,
    check_iss,
    check_aud,
    check_sub,
    check_cnf,
    check_scope,
)
