"""grant_type=urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693).

A token of this provider becomes an access token for another API. A `subject_token_type` that is not the IETF's
own stands for credentials of elsewhere, as a custom token exchange of Auth0 takes them: here the token is the
`sub`, the name or the e-mail address of a configured user, and the answer is that of a login.
"""

import re

from spa_auth.dev_provider.asked import asked_audiences, asked_scope
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.consents import agreed_scope
from spa_auth.dev_provider.custom_exchange import exchange_custom_token
from spa_auth.dev_provider.exchange_subject import ACCESS_TOKEN, SUBJECTS, Subject
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import access_token_members, issue_access_token
from spa_auth.dev_provider.options import STANDARD_SCOPES
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.scope import Scope

JWT = "urn:ietf:params:oauth:token-type:jwt"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def exchange_token(service: Service, call: Call, client: Client, params: Parameters) -> dict[str, object]:
    """Give an access token for a subject token.

    Raises:
        EndpointError: `invalid_request`, also for a subject token that is not accepted (RFC 8693 section 2.2.2),
            `invalid_scope` or `invalid_target`.
    """
    subject_type = _subject_type(params)
    _refuse_actor(params)
    _check_requested_type(params)
    audiences = asked_audiences(service, client, params)
    if subject_type not in SUBJECTS:
        return {**exchange_custom_token(service, call, client, params, audiences), "issued_token_type": ACCESS_TOKEN}
    subject = SUBJECTS[subject_type](service, call, client, params["subject_token"])
    _check_organization(service, subject, params)
    scope = _granted_scope(service, client, params, subject, audiences)
    beyond = set(audiences) - {*subject.audiences, *subject.grant.audiences}
    scope = agreed_scope(service, client, subject.grant.user, beyond, scope)
    audiences = audiences or subject.audiences
    if params.get("requested_token_type") == JWT and not audiences:
        raise EndpointError("invalid_request", "A JWT needs an audience.")
    token = issue_access_token(service, subject.grant, scope, audiences, jkt=call.jkt, until=subject.expires_at)
    return {
        **access_token_members(service, token),
        "issued_token_type": params.get("requested_token_type", ACCESS_TOKEN),
    }


def _subject_type(params: Parameters) -> str:
    for name in ("subject_token", "subject_token_type"):
        if name not in params:
            raise EndpointError("invalid_request", f"{name} is missing.")
    subject_type = params["subject_token_type"]
    known = subject_type in SUBJECTS or not subject_type.lower().startswith("urn:ietf:")
    if not known or not _URI.fullmatch(subject_type):
        text = f"subject_token_type must be one of {', '.join(SUBJECTS)}, or a URI of your own."
        raise EndpointError("invalid_request", text)
    return subject_type


def _refuse_actor(params: Parameters) -> None:
    if {"actor_token", "actor_token_type"} & set(params):
        raise EndpointError("invalid_request", "Actor tokens are not supported.")


def _check_requested_type(params: Parameters) -> None:
    if params.get("requested_token_type", ACCESS_TOKEN) not in (ACCESS_TOKEN, JWT):
        raise EndpointError("invalid_request", f"requested_token_type must be {ACCESS_TOKEN} or {JWT}.")


def _check_organization(service: Service, subject: Subject, params: Parameters) -> None:
    organization = service.options.organization(params.get("organization", ""))
    named = None if organization is None else organization.org_id
    if "organization" in params and named != subject.grant.organization:
        raise EndpointError("invalid_request", "The subject token is not of this organization.")


def _granted_scope(
    service: Service, client: Client, params: Parameters, subject: Subject, audiences: tuple[str, ...]
) -> Scope:
    # RFC 8693 section 5: an exchange must not be a way to more than the subject token allows. What only the new
    # API knows is up to that API.
    asked = asked_scope(service, client, params, subject.scope)
    granted = service.options.granted(asked, audiences or subject.audiences)
    at_home = bool(set(audiences) & set(subject.grant.audiences))
    elsewhere = bool(audiences) and not at_home and not set(audiences) & set(subject.audiences)
    kept = Scope(word for word in granted if word in subject.scope or (elsewhere and word not in STANDARD_SCOPES))
    # Nor is the way to another API and back a way to more than the login gave.
    return Scope(word for word in kept if word in subject.grant.scope) if at_home else kept
