"""How an authorization response travels to the application, one writer for each response mode."""

from collections.abc import Callable, Mapping

from spa_auth.dev_provider.answers import redirect
from spa_auth.dev_provider.authorization_request import AddressedRequest
from spa_auth.dev_provider.layout import page
from spa_auth.dev_provider.markup import joined, markup
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.service import Service
from spa_auth.protocol import form
from spa_auth.protocol.http import Headers, Response
from spa_auth.protocol.strict_json import dumps
from spa_auth.protocol.url import origin_of, with_query

WEB_MESSAGE = "web_message"
Writer = Callable[[Service, AddressedRequest, Mapping[str, str], Headers], Response]


def response_modes(options: Options) -> tuple[str, ...]:
    """The response modes that work, as discovery lists them."""
    return tuple(mode for mode in WRITERS if mode != WEB_MESSAGE or options.web_message)


def authorization_response(
    service: Service, request: AddressedRequest, parameters: Mapping[str, str], headers: Headers
) -> Response:
    """The answer that takes these parameters to the redirect URI of the request."""
    # A mode that does not work cannot carry the error that says so.
    works = request.response_mode in response_modes(service.options)
    return WRITERS[request.response_mode if works else "query"](service, request, parameters, headers)


def _query(_service: Service, request: AddressedRequest, parameters: Mapping[str, str], headers: Headers) -> Response:
    return redirect(with_query(request.redirect_uri, form.encode(parameters)), *headers)


def _fragment(
    _service: Service, request: AddressedRequest, parameters: Mapping[str, str], headers: Headers
) -> Response:
    return redirect(f"{request.redirect_uri}#{form.encode(parameters)}", *headers)


def _form_post(
    service: Service, request: AddressedRequest, parameters: Mapping[str, str], headers: Headers
) -> Response:
    fields = joined(markup(_FIELD, name=name, value=value) for name, value in parameters.items())
    body = markup(_FORM_POST, application=request.client.title, action=request.redirect_uri, fields=fields)
    goal = request.redirect_uri
    return page(service, "One moment", body, script="form_post.js", form_goal=goal, headers=headers)


def _web_message(
    service: Service, request: AddressedRequest, parameters: Mapping[str, str], headers: Headers
) -> Response:
    # RFC 9700 section 4.17: the origin of the message's receiver is always named, and was registered (threat O10).
    origin = origin_of(request.redirect_uri)
    response = dumps(parameters).decode()
    body = markup(_WEB_MESSAGE, application=request.client.title, origin=origin, response=response)
    return page(service, "One moment", body, script="web_message.js", frame_origin=origin, headers=headers)


# OAuth 2.0 Multiple Response Types 2.1; OAuth 2.0 Form Post Response Mode 1;
# web_message as in draft-sakimura-oauth-wmrm-00, in the form that applications expect today.
WRITERS: Mapping[str, Writer] = {
    "query": _query,
    "fragment": _fragment,
    "form_post": _form_post,
    WEB_MESSAGE: _web_message,
}

_FIELD = """<input type="hidden" name="{name}" value="{value}">
"""

_FORM_POST = """<p class="lead">Going back to <strong>{application}</strong>.</p>
<form method="post" action="{action}" id="response" class="choice">
{fields}<noscript><button class="primary">Continue</button></noscript>
</form>"""

_WEB_MESSAGE = """<p class="lead" id="response" data-origin="{origin}" data-response="{response}">Going back to
<strong>{application}</strong>. If this window stays open, you can close it.</p>
<noscript><p class="fault">This needs JavaScript: allow it for this page, then sign in again.</p></noscript>"""
