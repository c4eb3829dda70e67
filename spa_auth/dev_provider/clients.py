"""The applications that may send their users here (RFC 6749 section 2)."""

from dataclasses import dataclass

from spa_auth.errors import ProtocolError
from spa_auth.protocol.url import parse_url


@dataclass(frozen=True, kw_only=True)
class Client:
    """A public application: one that keeps no secret, as no page can.

    Args:
        client_id: Its identifier.
        name: What pages call it; the client_id where it is empty.
        redirect_uris: Where authorization responses may go, letter by letter (RFC 9700 section 4.1.3).
        post_logout_redirect_uris: Where a logout may lead, letter by letter (RP-Initiated Logout 3.1).
    """

    client_id: str
    name: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What pages call this application."""
        return self.name or self.client_id

    def allows_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether an authorization response may go there."""
        return redirect_uri in self.redirect_uris

    def allows_post_logout_redirect_uri(self, uri: str) -> bool:
        """Whether a logout may lead there."""
        return uri in self.post_logout_redirect_uris


class DemoClient(Client):
    """The built-in application: any http URL of this machine is a redirect URI of it, and of no other."""

    def allows_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether this is an http URL on 127.0.0.0/8, [::1] or localhost, without a fragment."""
        if not is_plain_url(redirect_uri):
            return False
        url = parse_url(redirect_uri)
        return url.scheme == "http" and url.is_loopback

    def allows_post_logout_redirect_uri(self, uri: str) -> bool:
        """As for `allows_redirect_uri`."""
        return self.allows_redirect_uri(uri)


DEMO = DemoClient(client_id="demo", name="Demo application")


def is_plain_url(text: str) -> bool:
    """Whether this is an http or https URL that every parser reads in the same way, without a fragment."""
    try:
        parse_url(text)
    except ProtocolError:
        return False
    # RFC 6749 section 3.1.2: "The endpoint URI MUST NOT include a fragment component."
    return "#" not in text
