"""The frame of every page: the head, the banner that warns, and the headers that keep others out (threat O09)."""

from spa_auth.dev_provider.answers import NO_SNIFF, NO_STORE
from spa_auth.dev_provider.markup import Markup, markup
from spa_auth.protocol.http import Headers
from spa_auth.protocol.url import URL


def framed(
    issuer: URL, title: str, body: Markup, *, head: Markup | None = None, attributes: Markup | None = None
) -> str:
    """A whole HTML document.

    Args:
        issuer: The issuer, taken apart.
        title: What the browser calls it.
        body: What stands below the banner.
        head: What its head has besides the style of all pages.
        attributes: Those of the body.
    """
    none = Markup()
    return markup(
        _FRAME, title=title, base=base_path(issuer), head=head or none, attributes=attributes or none, body=body
    )


def base_path(issuer: URL) -> str:
    """What the paths of links within the provider begin with.

    Relative, so that pages have their style under every name of this machine: CSP's 'self' is one origin.
    """
    return issuer.path.removesuffix("/")


def page_headers(policy: str) -> Headers:
    """The headers of a page with that Content-Security-Policy."""
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "no-referrer"),
        *NO_SNIFF,
        *NO_STORE,
    )


_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · Development provider</title>
<link rel="icon" href="{base}/assets/icon.svg">
<link rel="stylesheet" href="{base}/assets/style.css">
{head}</head>
<body{attributes}>
<p class="banner"><strong>Development only.</strong> Anybody can sign in here as anybody.</p>
{body}</body>
</html>
"""
