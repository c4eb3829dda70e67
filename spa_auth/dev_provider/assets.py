"""What the pages and the ID tokens point to: the style sheet, the icon, the pictures of users."""

from pathlib import Path

from spa_auth.dev_provider.answers import NO_SNIFF
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.users import avatar
from spa_auth.errors import ProtocolError
from spa_auth.protocol.form import quote, unquote
from spa_auth.protocol.http import Headers, Response

_STYLE = Path(__file__).with_name("style.css").read_bytes()
_WEB_MESSAGE = Path(__file__).with_name("web_message.js").read_bytes()
_FORM_POST = Path(__file__).with_name("form_post.js").read_bytes()
_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#4f46e5"/>'
    b'<circle cx="13" cy="13" r="5" fill="none" stroke="#fff" stroke-width="3"/>'
    b'<path d="M17 17l7 7m-3-3l2.500-2.500" stroke="#fff" stroke-width="3" stroke-linecap="round" fill="none"/></svg>'
)
AVATARS = "/avatars/"
_SCRIPT = "text/javascript; charset=utf-8"


async def style(_service: Service, _call: Call) -> Response:
    """Answer with the style sheet."""
    return _asset("text/css; charset=utf-8", _STYLE)


async def web_message_script(_service: Service, _call: Call) -> Response:
    """Answer with what posts an authorization response to another window."""
    return _asset(_SCRIPT, _WEB_MESSAGE)


async def form_post_script(_service: Service, _call: Call) -> Response:
    """Answer with what sends the form of an authorization response."""
    return _asset(_SCRIPT, _FORM_POST)


async def icon(_service: Service, _call: Call) -> Response:
    """Answer with the icon."""
    return _asset("image/svg+xml", _ICON)


async def picture(_service: Service, call: Call) -> Response:
    """Answer with the picture of any user, which depends on the name in the path only."""
    try:
        sub = unquote(call.path.removeprefix(AVATARS).removesuffix(".svg"))
    except ProtocolError:
        sub = ""
    return _asset("image/svg+xml", avatar(sub))


def picture_url(service: Service, sub: str) -> str:
    """Where the picture of a user is who brings none."""
    return service.url(f"{AVATARS}{quote(sub)}.svg")


def _asset(media_type: str, body: bytes) -> Response:
    headers: Headers = (
        ("Content-Type", media_type),
        ("Cache-Control", "max-age=60"),
        # Pages that are cross-origin isolated, as PyScript's workers need it, show no picture without this.
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        # An SVG opened as a page of its own must not run anything.
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        *NO_SNIFF,
    )
    return Response(200, headers, body)
