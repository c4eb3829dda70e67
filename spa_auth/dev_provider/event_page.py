"""What a browser asks for to watch events live: a page, its script and style, and whether it may read the stream."""

from pathlib import Path

from spa_auth.dev_provider.answers import NO_SNIFF, NO_STORE
from spa_auth.dev_provider.call import read_call
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.frame import base_path, framed, page_headers
from spa_auth.dev_provider.markup import markup
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import URL

PAGE = "/events"
STREAM = "/events/stream"
STREAM_ANSWER = Response(200, (("Content-Type", "text/event-stream; charset=utf-8"), *NO_STORE, *NO_SNIFF))
_ASSETS = {"/events/page.js": "text/javascript", "/events/page.css": "text/css"}


def answer_watcher(request: Request, issuer: URL, *, shown: bool = True) -> Response | None:
    """The answer to a request of somebody who watches; None where it is not for them.

    `STREAM_ANSWER` itself is the beginning of an answer: the stream follows.

    Args:
        request: Any request to the provider.
        issuer: The issuer, taken apart.
        shown: Whether there is a stream; without one the page says so.
    """
    try:
        path = read_call(request, issuer).path
        if path not in ({PAGE, STREAM, *_ASSETS} if shown else {PAGE}):
            return None
        _check(request, path)
    except EndpointError as error:
        # What is no good request is none of ours either, and the provider says so in its own way.
        return _text(error.status, error.error_description) if error.error == "forbidden" else None
    if path == STREAM:
        return STREAM_ANSWER if request.method == "GET" else STREAM_ANSWER._replace(body=b"")
    return _asset(path) if path in _ASSETS else _page(issuer) if shown else _text(404, _NOT_SHOWN)


def _check(request: Request, path: str) -> None:
    # Events tell of people. Other origins could not read them without CORS; they shall not even open the stream.
    linked = path == PAGE and request.header("sec-fetch-mode") == "navigate"
    if request.header("sec-fetch-site") not in {None, "none", "same-origin"} and not linked:
        raise EndpointError("forbidden", "Only the provider's own page may watch its events.", status=403)
    if request.method not in {"GET", "HEAD"}:
        raise EndpointError("forbidden", "Events can only be read.", status=405)


def _text(status: int, text: str) -> Response:
    return Response(status, (("Content-Type", "text/plain; charset=utf-8"), *NO_STORE, *NO_SNIFF), text.encode())


def _asset(path: str) -> Response:
    body = Path(__file__).with_name(path.replace("/events/page", "events")).read_bytes()
    return Response(200, (("Content-Type", f"{_ASSETS[path]}; charset=utf-8"), *NO_STORE, *NO_SNIFF), body)


def _page(issuer: URL) -> Response:
    base = base_path(issuer)
    attributes = markup(_ATTRIBUTES, base=base)
    text = framed(issuer, "Events", markup(_BODY, base=base), head=markup(_HEAD, base=base), attributes=attributes)
    return Response(200, (*page_headers(_POLICY), ("X-Frame-Options", "DENY")), text.encode())


_NOT_SHOWN = "This provider shows its events to its own machine only, and here they are off. Use --events."
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEAD = """<link rel="stylesheet" href="{base}/events/page.css">
<script src="{base}/events/page.js" defer></script>
"""
_ATTRIBUTES = ''' class="watching" data-stream="{base}/events/stream"'''
_BODY = """<header class="watch">
<h1>Events</h1>
<p id="state" role="status">Connecting …</p>
<div class="tools">
<input id="filter" type="search" aria-label="Show only events with" placeholder="Filter: grant, alice, error …"
 autocomplete="off" autocapitalize="off" spellcheck="false">
<button id="pause" type="button" aria-pressed="false">Pause</button>
<button id="clear" type="button">Clear</button>
<a href="{base}/">Start page</a>
</div>
</header>
<noscript><p class="hint">This page needs its script. With --events the terminal shows the same.</p></noscript>
<ol id="log" role="log" aria-live="polite" aria-label="Events" tabindex="0"></ol>
<p id="empty" class="hint">Nothing yet. Log in with an application, and what happens appears here.</p>
"""
