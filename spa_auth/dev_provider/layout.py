"""What all pages but the one of events share: who may frame them, the hidden fields of their forms (threat O09)."""

from spa_auth.dev_provider.frame import base_path, framed, page_headers
from spa_auth.dev_provider.markup import Markup, markup
from spa_auth.dev_provider.pending import Pending
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Headers, Response
from spa_auth.protocol.url import parse_url


def page(
    service: Service,
    title: str,
    body: Markup,
    *,
    status: int = 200,
    form_goal: str | None = None,
    script: str = "",
    frame_origin: str | None = None,
    headers: Headers = (),
) -> Response:
    """A whole page; it runs no script and is shown in no frame unless these are named.

    Args:
        service: Whose page it is.
        title: Its heading.
        body: What stands below it.
        status: The HTTP status.
        form_goal: Where the answer to its forms may lead in the end.
        script: The asset that it runs.
        frame_origin: The origin whose pages may hold it in a frame.
        headers: Headers that the answer must carry.
    """
    run = markup(_SCRIPT, source=f"{base_path(service.issuer)}/assets/{script}") if script else None
    text = framed(service.issuer, title, markup(_BODY, title=title, body=body), head=run)
    # X-Frame-Options knows no origins: where there is one, frame-ancestors alone has to say it.
    unframed = (("X-Frame-Options", "DENY"),) if frame_origin is None else ()
    fixed = page_headers(_policy(form_goal, script, frame_origin))
    return Response(status, (*fixed, *unframed, *headers), text.encode())


def _policy(form_goal: str | None, script: str, frame_origin: str | None) -> str:
    scripts = "script-src 'self'; " if script else ""
    goal = "" if form_goal is None else f" {_form_source(form_goal)}"
    return (
        f"default-src 'none'; {scripts}style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        f"frame-ancestors {_ancestor(frame_origin)}; form-action 'self'{goal}"
    )


# CSP has no way to write an IPv6 host (CSP 3, section 2.3.1, host-source).
def _form_source(redirect_uri: str) -> str:
    # Chromium applies form-action to the redirects that follow a form, too.
    url = parse_url(redirect_uri)
    return f"{url.scheme}:" if url.host.startswith("[") else url.origin


def _ancestor(frame_origin: str | None) -> str:
    # Rather no page than every page: applications on [::1] get their messages in popups only.
    return "'none'" if frame_origin is None or "[" in frame_origin else frame_origin


def hidden_fields(pending: Pending) -> Markup:
    """The fields that tell whose form this is, and that it is ours."""
    return markup(_HIDDEN, interaction=pending.key, csrf=pending.csrf)


_BODY = """<main>
<h1>{title}</h1>
{body}
</main>
<footer>spa_auth development provider</footer>
"""

_SCRIPT = """<script src="{source}" defer></script>
"""

_HIDDEN = """<input type="hidden" name="interaction" value="{interaction}">
<input type="hidden" name="csrf" value="{csrf}">
"""
