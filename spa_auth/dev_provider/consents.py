"""What users have agreed that applications may have (OpenID Connect Core 3.1.2.4)."""

import math
from collections.abc import Iterable

from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import Consent, consent_key
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.users import User
from spa_auth.protocol.scope import Scope


def has_consented(service: Service, request: AuthorizationRequest, user: User) -> bool:
    """Whether the application may have what it asks for, without another question."""
    return not service.options.consent or _agreed(service, request, user).covers(request.scope)


def save_consent(service: Service, request: AuthorizationRequest, user: User) -> Consent:
    """Remember that a user has agreed, beside what was agreed before."""
    consent = Consent(
        sub=user.sub,
        client_id=request.client.client_id,
        scope=Scope((*_agreed(service, request, user), *request.scope)),
        audiences=request.audiences,
    )
    return service.consents.put(consent, math.inf)


def agreed_scope(service: Service, client: Client, user: User, audiences: Iterable[str], granted: Scope) -> Scope:
    """The part of a scope that a user has agreed to for APIs that an application wants by token exchange.

    Raises:
        EndpointError: `invalid_target`; the user has not agreed to one of these APIs at all. RFC 8693 section 2.2.2
            has it where the server is "unwilling or unable to issue a token for any target service"; consent_required
            (OpenID Connect Core 3.1.2.6) is an answer of the authorization endpoint.
    """
    # A configured API acts for users whom it cannot ask; other applications have a page on which they are asked.
    is_asked = client.is_public or not service.is_configured(client)
    for audience in audiences if service.options.consent and is_asked else ():
        agreed = _agreed_for(service, client, user, audience)
        if agreed is None:
            raise EndpointError("invalid_target", "The user has not agreed to this API; ask at /authorize first.")
        granted = Scope(word for word in granted if word in agreed)
    return granted


def _agreed_for(service: Service, client: Client, user: User, audience: str) -> Scope | None:
    agreed = [
        consent
        for consent in service.consents
        if (consent.sub, consent.client_id) == (user.sub, client.client_id) and audience in consent.audiences
    ]
    return Scope(word for consent in agreed for word in consent.scope) if agreed else None


def _agreed(service: Service, request: AuthorizationRequest, user: User) -> Scope:
    consent = service.consents.get(consent_key(user.sub, request.client.client_id, request.audiences))
    return Scope() if consent is None else consent.scope
