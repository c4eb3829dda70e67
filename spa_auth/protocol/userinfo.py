"""The userinfo endpoint, for claims that the ID token does not carry (OpenID Connect Core 5.3)."""

from collections.abc import Collection, Mapping

from spa_auth.errors import NetworkError, ProtocolError, ResponseError, SubMismatchError
from spa_auth.protocol import effects
from spa_auth.protocol.challenge import parse_challenges
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.http import Request, Response, refuse_redirect
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import StrictJSONError, loads_object
from spa_auth.protocol.text import clean_code
from spa_auth.protocol.token import TokenSet

# What each scope promises (OpenID Connect Core 5.4).
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}  # fmt: skip


def promised_claims_missing(
    id_token_claims: Mapping[str, object], scope: Scope, supported: Collection[str] | None = None
) -> tuple[str, ...]:
    """The claims of granted scopes of which the ID token carries none at all.

    A user without a nickname is no reason to ask further; a token with nothing of the profile is.

    Args:
        id_token_claims: What the ID token carries.
        scope: What was granted.
        supported: The claims that the provider lists; None where it lists none. No other claim is promised.
    """
    promised = {word: SCOPE_CLAIMS[word] for word in scope if word in SCOPE_CLAIMS}
    missing = [names for names in promised.values() if id_token_claims.keys().isdisjoint(names)]
    return tuple(name for names in missing for name in names if supported is None or name in supported)


def userinfo_request(server: ServerMetadata, tokens: TokenSet) -> Request:
    """Ask for the claims about the user whose token this is (OpenID Connect Core 5.3.1).

    Raises:
        DiscoveryError: The provider has no such endpoint.
    """
    authorization = ("Authorization", f"{tokens.token_type} {tokens.access_token}")
    return Request("GET", server.endpoint("userinfo_endpoint"), (("Accept", "application/json"), authorization))


def parse_userinfo_response(response: Response, sub: str) -> dict[str, object]:
    """The claims about the user who is logged in, and about nobody else (OpenID Connect Core 5.3.2 and 5.3.4).

    Args:
        response: The answer.
        sub: The subject of the ID token.

    Raises:
        SubMismatchError: The claims are about another user, or do not say about whom.
        ResponseError: The endpoint does not accept the token.
        NetworkError: `server_error`; the provider is out of order for now.
        ProtocolError: The answer breaks a rule.
    """
    refuse_redirect(response)
    if response.status != 200:
        raise _refusal(response)
    # A signed or encrypted answer was not asked for; its signature would have to be verified.
    if response.media_type != "application/json":
        raise ProtocolError("The userinfo endpoint did not answer with JSON.")
    try:
        claims = loads_object(response.body)
    except StrictJSONError as error:
        raise ProtocolError(f"The userinfo is unusable: {error.error_description}") from None
    # "The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the ID Token; if
    # they do not match, the UserInfo Response values MUST NOT be used."
    if claims.get("sub") != sub:
        raise SubMismatchError("The userinfo is about another user.", claim="sub")
    # Claims that lie elsewhere are neither fetched nor trusted (threat I24).
    return {name: value for name, value in claims.items() if name not in ("_claim_names", "_claim_sources")}


def fetch_userinfo(provider: Provider, tokens: TokenSet, sub: str) -> Flow[dict[str, object]]:
    """Fetch the claims about the user; raises as `userinfo_request` and `parse_userinfo_response` do."""
    server = yield from provider.metadata()
    response = yield from effects.send(userinfo_request(server, tokens))
    return parse_userinfo_response(response, sub)


def _refusal(response: Response) -> ResponseError | NetworkError:
    text = f"The userinfo endpoint answered with status {response.status}."
    if response.status == 429 or response.status >= 500:
        return NetworkError(text, error="server_error", reason="server_error", remedy="Try again later.")
    errors = [challenge.error for challenge in parse_challenges(response.header("www-authenticate"))]
    code = next((clean_code(error) for error in errors if error is not None), None)
    return ResponseError(text, status=response.status, challenge_error=code)
