"""What users have agreed that applications may have (OpenID Connect Core 3.1.2.4)."""

import math

from spa_auth.dev_provider.authorization_request import AuthorizationRequest
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


def _agreed(service: Service, request: AuthorizationRequest, user: User) -> Scope:
    consent = service.consents.get(consent_key(user.sub, request.client.client_id, request.audiences))
    return Scope() if consent is None else consent.scope
