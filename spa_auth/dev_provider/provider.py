"""The provider: a request in, a response out."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from spa_auth.dev_provider import assets, pages
from spa_auth.dev_provider.activation import CONFIRM, answer_approval, enter_code, show_approval, show_code_form
from spa_auth.dev_provider.answers import json_error, preflight, with_cors
from spa_auth.dev_provider.authorize import authorize
from spa_auth.dev_provider.call import MISDIRECTED, Call, apparent_path, read_call
from spa_auth.dev_provider.consent import answer_consent, show_consent
from spa_auth.dev_provider.control import Control
from spa_auth.dev_provider.control_surface import control_surface, is_control
from spa_auth.dev_provider.controls import Controls, raise_fault
from spa_auth.dev_provider.device_authorization import ACTIVATE, authorize_device
from spa_auth.dev_provider.discovery import discovery, jwks
from spa_auth.dev_provider.end_session import (
    CONFIRM_LOGOUT,
    answer_confirmation,
    end_session,
    show_confirmation,
    v2_logout,
)
from spa_auth.dev_provider.events import Context, ErrorEvent, Events
from spa_auth.dev_provider.failures import EndpointError, PageError
from spa_auth.dev_provider.introspection import introspect
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.dev_provider.login import answer_login, show_login
from spa_auth.dev_provider.malformed import malform
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.pushed_requests import push_request
from spa_auth.dev_provider.registration import REGISTRATION, may_register, register
from spa_auth.dev_provider.registration_management import delete_registration, read_registration, update_registration
from spa_auth.dev_provider.revocation import revoke
from spa_auth.dev_provider.service import Endpoint, Send, Service, no_way_out
from spa_auth.dev_provider.token import token
from spa_auth.dev_provider.userinfo import userinfo
from spa_auth.errors import ConfigurationError
from spa_auth.protocol.http import Request, Response

_log = logging.getLogger("spa_auth.dev_provider")


@dataclass(frozen=True)
class Route:
    """What answers a path.

    Args:
        endpoints: One for each method.
        cors: Whether other origins may read the answers.
        for_people: Whether it answers with pages; errors are pages then, and JSON otherwise.
        exists: Tells whether the options have it at all.
        admits: Tells whether the options admit where a request comes from; else no other origin reads the answer.
    """

    endpoints: Mapping[str, Endpoint]
    cors: bool = False
    for_people: bool = False
    exists: Callable[[Options], bool] = lambda _options: True
    admits: Callable[[Options, Request], bool] = lambda _options, _request: True

    @property
    def methods(self) -> str:
        """The methods as the Allow header lists them."""
        head = ("HEAD",) if "GET" in self.endpoints else ()
        return ", ".join((*self.endpoints, *head, *(("OPTIONS",) if self.cors else ())))


async def _start(service: Service, call: Call) -> Response:
    return pages.start_page(service, service.session(call))


def _registration_is_on(options: Options) -> bool:
    return options.registration != "off"


# What is not for scripts, but raises the faults of tests itself, so that an event of its own tells of them.
TELLING = ("/authorize", ACTIVATE, "/oauth/introspect", "/oidc/logout", CONFIRM_LOGOUT, "/v2/logout")
# RFC 6750 section 2.1: what can stand behind "Bearer".
_CONTROL_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*")

# CORS is on what scripts call, never on what people see: /authorize is only ever navigated to.
ROUTES: Mapping[str, Route] = {
    "/": Route({"GET": _start}, for_people=True),
    "/.well-known/openid-configuration": Route({"GET": discovery}, cors=True),
    "/.well-known/oauth-authorization-server": Route({"GET": discovery}, cors=True),
    "/.well-known/jwks.json": Route({"GET": jwks}, cors=True),
    "/authorize": Route({"GET": authorize, "POST": authorize}, for_people=True),
    "/login": Route({"GET": show_login, "POST": answer_login}, for_people=True),
    "/consent": Route({"GET": show_consent, "POST": answer_consent}, for_people=True),
    "/oauth/par": Route({"POST": push_request}, cors=True),
    "/oauth/device/code": Route({"POST": authorize_device}, cors=True),
    ACTIVATE: Route({"GET": show_code_form, "POST": enter_code}, for_people=True),
    CONFIRM: Route({"GET": show_approval, "POST": answer_approval}, for_people=True),
    "/oauth/token": Route({"POST": token}, cors=True),
    "/oauth/revoke": Route({"POST": revoke}, cors=True),
    "/oauth/introspect": Route({"POST": introspect}),
    "/userinfo": Route({"GET": userinfo, "POST": userinfo}, cors=True),
    "/oidc/logout": Route({"GET": end_session, "POST": end_session}, for_people=True),
    "/v2/logout": Route({"GET": v2_logout}, for_people=True),
    CONFIRM_LOGOUT: Route({"GET": show_confirmation, "POST": answer_confirmation}, for_people=True),
    REGISTRATION: Route({"POST": register}, cors=True, exists=_registration_is_on, admits=may_register),
    "/assets/style.css": Route({"GET": assets.style}),
    "/assets/web_message.js": Route({"GET": assets.web_message_script}),
    "/assets/form_post.js": Route({"GET": assets.form_post_script}),
    "/assets/icon.svg": Route({"GET": assets.icon}),
    "/favicon.ico": Route({"GET": assets.icon}),
}
PREFIXES: Mapping[str, Route] = {
    assets.AVATARS: Route({"GET": assets.picture}, cors=True),
    f"{REGISTRATION}/": Route(
        {"GET": read_registration, "PUT": update_registration, "DELETE": delete_registration},
        cors=True,
        exists=_registration_is_on,
    ),
}


def _find_route(path: str, options: Options) -> Route | None:
    longer = (route for prefix, route in PREFIXES.items() if path.startswith(prefix))
    route = ROUTES.get(path) or next(longer, None)
    return route if route is not None and route.exists(options) else None


class DevProvider:
    """An OpenID Provider for development: anybody can log in as anybody, everything else is as in production.

    It opens no socket. `spa_auth.dev_provider.asgi` serves it; a test calls `handle` itself.

    Args:
        options: The configuration; the default is one demo client, any API, and the users alice and bob.
        clock: Tells the time in seconds since 1970.
        random: Makes that many random bytes.
        keys: Sign and verify; new ones are made without it.
        controls: What is bent from the start, for a test; `DevProvider.controls` bends it later.
        send: Makes the calls of the provider itself: it tells applications of a logout (Back-Channel Logout 2.5).
        control_token: Opens the controls to HTTP, below /control, for whoever on this machine sends this token
            (threat O13); None keeps them closed.

    Raises:
        ConfigurationError: The control_token is shorter than 16 characters, or cannot stand in a header.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        keys: SigningKeys | None = None,
        controls: Controls | None = None,
        send: Send = no_way_out,
        control_token: str | None = None,
    ) -> None:
        _check_control_token(control_token)
        self._service = Service(
            Options() if options is None else options,
            clock=clock,
            random=random,
            keys=keys,
            controls=controls,
            send=send,
        )
        self._controls = Control(self._service, knows_path=self._knows_path, paths=(*ROUTES, *PREFIXES))
        self._control_token = control_token

    @property
    def options(self) -> Options:
        """The configuration."""
        return self._service.options

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self._service.options.issuer

    @property
    def events(self) -> Events:
        """Where to listen to what happens; `spa_auth.dev_provider.events` lists names and payloads."""
        return self._service.events

    @property
    def controls(self) -> Control:
        """What a test may do to the provider while it runs."""
        return self._controls

    def _knows_path(self, path: str) -> bool:
        return _find_route(path, self.options) is not None

    async def handle(self, request: Request, *, controlled: bool = True) -> Response:
        """Answer one request. Nothing is raised: what was not expected becomes a 500 and the event `server_error`.

        Args:
            request: It.
            controlled: Whether the controls are there for whoever sends it; a server knows from where it comes.
        """
        try:
            self._service.sweep()
            response = await self._answer(request, controlled=controlled)
        except EndpointError as error:
            response = self._unread(request, error)
        except Exception as error:  # noqa: BLE001 - the last line of defence; a property test holds that none comes here
            response = json_error(self._failed(request, error))
        return response._replace(body=b"") if request.method == "HEAD" else response

    async def _answer(self, request: Request, *, controlled: bool) -> Response:
        call = read_call(request, self._service.issuer)
        if controlled and self._control_token is not None and is_control(call.path) and call.is_local:
            return await control_surface(self._controls, call, self._control_token)
        route = _find_route(call.path, self.options)
        if route is None:
            return pages.error_page(self._service, PageError("not_found", "There is nothing here.", status=404))
        if request.method == "OPTIONS" and route.cors:
            return preflight(route.methods) if route.admits(self.options, request) else Response(403)
        # After the preflight: what goes wrong is the request that the test means.
        call = replace(call, fault=self._service.controls.take(call.path))
        response = await self._routed(route, call)
        if call.fault is not None and call.fault.malformed is not None:
            response = malform(response, call.fault.malformed)
        return with_cors(response) if route.cors and route.admits(self.options, request) else response

    def _unread(self, request: Request, error: EndpointError) -> Response:
        """The answer to what is no good request at all; the scripts of a page read it as they read any other."""
        route = _find_route(apparent_path(request, self._service.issuer), self.options)
        readable = route is not None and route.cors and route.admits(self.options, request)
        if route is None or not readable or error.status == MISDIRECTED:
            return json_error(error)
        return preflight(route.methods) if request.method == "OPTIONS" else with_cors(json_error(error))

    async def _routed(self, route: Route, call: Call) -> Response:
        try:
            return await self._dispatched(route, call)
        except EndpointError as error:
            refusal = error
        except Exception as error:  # noqa: BLE001 - as in `handle`; here it is known who reads the answer
            refusal = self._failed(call.request, error)
        return pages.error_page(self._service, refusal) if route.for_people else json_error(refusal)

    async def _dispatched(self, route: Route, call: Call) -> Response:
        endpoint = route.endpoints.get("GET" if call.method == "HEAD" else call.method)
        if endpoint is None:
            headers = (("Allow", route.methods),)
            raise EndpointError("invalid_request", "Wrong method.", status=405, headers=headers)
        if not route.cors and call.path not in TELLING:
            raise_fault(call.fault)
        return await endpoint(self._service, call)

    def _failed(self, request: Request, error: Exception) -> EndpointError:
        _log.error("The development provider failed.", exc_info=error)
        self._service.emit("server_error", ErrorEvent(Context(request=request), error))
        return EndpointError("server_error", "The provider failed; see its log.", status=500)


def _check_control_token(control_token: str | None) -> None:
    if control_token is not None and _CONTROL_TOKEN.fullmatch(control_token) is None:
        raise ConfigurationError(
            "control_token, or SPA_AUTH_CONTROL_TOKEN, must be 16 or more of the characters A-Z a-z 0-9 . _ ~ + / -"
        )
