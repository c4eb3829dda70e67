"""The end of a session: its tokens are revoked, its applications are told, it is forgotten."""

from spa_auth.dev_provider.backchannel import tell_applications
from spa_auth.dev_provider.events import Context, RevocationReason, TokenEvent
from spa_auth.dev_provider.issuing import OFFLINE_ACCESS
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service


async def log_out(
    service: Service, session: Session, context: Context | None, *, reason: RevocationReason = "logout"
) -> bool:
    """End a session, and return whether that was still to do: one that is ending already is left to who ends it.

    Args:
        service: Whose session it is.
        session: The session.
        context: The request that ended it, if one did.
        reason: What the events of its grants say.
    """
    # First of all, so that nobody can use it while applications are told.
    if service.sessions.remove(session.key) is None:
        return False
    _revoke_grants(service, session, context, reason)
    await tell_applications(service, session, context)
    service.emit("session.destroyed", TokenEvent(session))
    return True


def _revoke_grants(service: Service, session: Session, context: Context | None, reason: RevocationReason) -> None:
    # Back-Channel Logout 2.7: refresh tokens "issued without the offline_access property to a session being logged
    # out SHOULD be revoked"; those with it "normally SHOULD NOT be revoked".
    ended = [grant for grant in service.grants if grant.sid == session.sid and OFFLINE_ACCESS not in grant.scope]
    for grant in ended:
        service.revoke(grant.grant_id, context, reason)
