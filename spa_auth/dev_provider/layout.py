"""What all pages share: their frame, their headers, the hidden fields of their forms (threat O09)."""

from spa_auth.dev_provider.answers import NO_SNIFF, NO_STORE
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
    headers: Headers = (),
) -> Response:
    """A whole page, which runs no script and is shown in no frame.

    Args:
        service: Whose page it is.
        title: Its heading.
        body: What stands below it.
        status: The HTTP status.
        form_goal: Where the answer to its forms may lead in the end.
        headers: Headers that the answer must carry.
    """
    # Relative, so that the start page has its style under every name of this machine: CSP's 'self' is one origin.
    assets = service.issuer.path.removesuffix("/") + "/assets"
    text = markup(_PAGE, title=title, body=body, assets=assets)
    fixed: Headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", _policy(form_goal)),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        *NO_SNIFF,
        *NO_STORE,
    )
    return Response(status, (*fixed, *headers), text.encode())


def _policy(form_goal: str | None) -> str:
    goal = "" if form_goal is None else f" {_source(form_goal)}"
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{goal}"
    )


def _source(redirect_uri: str) -> str:
    # Chromium applies form-action to the redirects that follow a form, too; CSP has no way to write an IPv6 host.
    url = parse_url(redirect_uri)
    return f"{url.scheme}:" if url.host.startswith("[") else url.origin


def hidden_fields(pending: Pending) -> Markup:
    """The fields that tell whose form this is, and that it is ours."""
    return markup(_HIDDEN, interaction=pending.key, csrf=pending.csrf)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · Development provider</title>
<link rel="icon" href="{assets}/icon.svg">
<link rel="stylesheet" href="{assets}/style.css">
</head>
<body>
<p class="banner"><strong>Development only.</strong> Anybody can sign in here as anybody.</p>
<main>
<h1>{title}</h1>
{body}
</main>
<footer>spa_auth development provider</footer>
</body>
</html>
"""

_HIDDEN = """<input type="hidden" name="interaction" value="{interaction}">
<input type="hidden" name="csrf" value="{csrf}">
"""
