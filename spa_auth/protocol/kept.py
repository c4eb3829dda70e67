"""ID tokens that were accepted once and kept since: judged again before anybody is taken for their subject."""

from spa_auth.protocol import effects
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.flows import IDTokenRules, verified_id_token
from spa_auth.protocol.id_token import Claims, Expected, check_at_hash, check_nonce, validate_id_token
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.strict_json import is_number

# Both compare the token with what came or went beside it at the login, and is not there any more.
_WITHOUT = (check_nonce, check_at_hash)


def kept_claims(provider: Provider, id_token: str, client_id: str, rules: IDTokenRules) -> Flow[Claims]:
    """The claims of an ID token that lay in a store, where anybody on this origin could have changed it.

    It may have ended: its lifetime is for accepting it, not for the session (OpenID Connect Core 2).

    Args:
        provider: The provider that issued it.
        id_token: The token.
        client_id: This client.
        rules: How to judge ID tokens.

    Raises:
        IDTokenError: It is not the provider's, or not for this client.
        NetworkError: The provider's keys are needed and it does not answer.
    """
    jwt = yield from verified_id_token(id_token, provider, rules)
    now, end = (yield from effects.now()), jwt.claims.get("exp")
    expected = Expected(provider.issuer, client_id, now=min(now, end - 1) if is_number(end) else now)
    return validate_id_token(jwt, rules.applied(expected, (yield from provider.metadata())), without=_WITHOUT)
