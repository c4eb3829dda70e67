"""Applications are told that a session has ended (OpenID Connect Back-Channel Logout 1.0)."""

import asyncio

from spa_auth.dev_provider.call import FORM
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import BackchannelError, BackchannelSuccess, Context
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.errors import NetworkError
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import is_secure

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120
TIMEOUT = 2.5


async def tell_applications(service: Service, session: Session, context: Context | None) -> None:
    """Send a logout token to each application of a session that wants one, to all of them at once.

    Nothing is raised: whatever happens, the logout goes on, and `backchannel.success` or `backchannel.error` tells
    of each application. Only the ends that somebody causes are told: of a session that expires, nobody hears.

    Args:
        service: Whose session has ended.
        session: The session.
        context: The request that ended it, if one did.
    """
    clients = [client for client in map(service.client, session.client_ids) if client is not None]
    told = [client for client in clients if client.backchannel_logout_uri is not None]
    await asyncio.gather(*(_tell(service, session, context, client) for client in told))


def logout_token(service: Service, session: Session, client: Client) -> str:
    """The JWT that tells one application of one logout (Back-Channel Logout 2.4)."""
    now = service.now()
    claims: dict[str, object] = {
        "iss": service.options.issuer,
        "aud": client.client_id,
        "iat": now,
        # Section 4: short, "preferably at most two minutes in the future", so that a captured one is soon worthless.
        "exp": now + LIFETIME,
        "jti": service.secret(),
        "events": {EVENT: {}},
        "sub": session.user.sub,
        "sid": session.sid,
        # No nonce: section 2.4 forbids it, so that nobody takes this for an ID token.
    }
    return service.keys.sign("logout+jwt", claims)


async def _tell(service: Service, session: Session, context: Context | None, client: Client) -> None:
    account_id, sid = session.user.sub, session.sid
    try:
        request = _logout_request(service, session, client)
        async with asyncio.timeout(TIMEOUT):
            response = await service.send(request)
        _check_taken(response)
    except TimeoutError:
        late = NetworkError(f"No answer within {TIMEOUT} seconds.", reason="timeout")
        service.emit("backchannel.error", BackchannelError(context, late, client, account_id, sid))
    except Exception as error:  # noqa: BLE001 - the port is foreign code, and no failure of it keeps anybody logged in
        service.emit("backchannel.error", BackchannelError(context, error, client, account_id, sid))
    else:
        service.emit("backchannel.success", BackchannelSuccess(context, client, account_id, sid))


def _logout_request(service: Service, session: Session, client: Client) -> Request:
    uri = client.backchannel_logout_uri or ""
    # Who registers itself must not make this machine send requests in the clear to others of its network.
    if not service.is_configured(client) and not is_secure(uri):
        raise NetworkError("The application registered itself with an address that is neither https nor loopback.")
    body = form.encode({"logout_token": logout_token(service, session, client)})
    return Request("POST", uri, (("Content-Type", FORM),), body.encode())


def _check_taken(response: Response) -> None:
    # Section 2.8: "MUST respond with HTTP 200 OK"; some frameworks make a 204 of it, which counts as well.
    if response.status not in {200, 204}:
        raise NetworkError(f"The application answered with status {response.status}.", reason="server_error")
