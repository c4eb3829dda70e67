"""ID tokens that were accepted once and kept since: judged again before anybody is taken for their subject."""

from spa_auth.errors import JWTError
from spa_auth.protocol import effects
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.flows import IDTokenRules, verified_jwt
from spa_auth.protocol.id_token import CHECKS, Claims, Expected, check_at_hash, check_nonce, id_token_error
from spa_auth.protocol.jwt import VerifiedJWT, numeric_date, parse_jwt
from spa_auth.protocol.provider import Provider

# Both compare the token with what came or went beside it at the login, and is not there any more.
_KEPT_CHECKS = tuple(check for check in CHECKS if check not in (check_nonce, check_at_hash))


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
    server = yield from provider.metadata()
    listed = server.id_token_signing_alg_values_supported or rules.algorithms
    try:
        if rules.verify_signature:
            jwt = yield from verified_jwt(id_token, provider, set(rules.algorithms) & set(listed))
        else:
            jwt = VerifiedJWT(*parse_jwt(id_token)[:2])
        end = numeric_date(jwt.claims, "exp") or 0
        now = min((yield from effects.now()), end - 1)
        expected = Expected(provider.issuer, client_id, now=now, leeway=rules.leeway)
        for check in _KEPT_CHECKS:
            check(jwt, expected)
    except JWTError as error:
        raise id_token_error(error) from None
    return jwt.claims
