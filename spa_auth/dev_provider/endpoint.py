"""Endpoints that answer scripts: whatever comes of a request, exactly one event tells it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from spa_auth.dev_provider.answers import json_error
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.controls import raise_fault
from spa_auth.dev_provider.events import Context, ContextEvent, ErrorEvent, Event, EventName
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.service import Endpoint, Service
from spa_auth.protocol.http import Response


@dataclass
class Seen:
    """What an endpoint has found out about its request so far; the event at its end shows it."""

    params: Parameters = field(default_factory=Parameters)
    client: Client | None = None


Answer = Callable[[Service, Call, Seen], Awaitable[Response]]


def endpoint(name: str, *, succeeded: Callable[[Context], Event] = ContextEvent) -> Callable[[Answer], Endpoint]:
    """Emit `<name>.success` with the answer, or answer with the OAuth error and emit `<name>.error`.

    Args:
        name: What its two events begin with.
        succeeded: Makes the payload of the first of them.
    """

    def decorate(answer: Answer) -> Endpoint:
        async def answered(service: Service, call: Call) -> Response:
            seen = Seen()
            try:
                raise_fault(call.fault)
                response = _with_nonce(service, call, await answer(service, call, seen))
            except EndpointError as error:
                refusal = _with_nonce(service, call, json_error(error))
                service.emit(
                    cast("EventName", f"{name}.error"), ErrorEvent(_context(service, call, seen, refusal), error)
                )
                return refusal
            service.emit(cast("EventName", f"{name}.success"), succeeded(_context(service, call, seen, response)))
            return response

        answered.__doc__ = answer.__doc__
        return answered

    return decorate


def _with_nonce(service: Service, call: Call, response: Response) -> Response:
    # RFC 9449 section 8.2: whoever sends proofs is told the newest nonce with every answer, and so seldom has to ask.
    options = service.options
    if call.request.header("dpop") is None or "off" in (options.dpop, options.dpop_nonces):
        return response
    return response._replace(headers=(*response.headers, ("DPoP-Nonce", service.nonces.newest(service.now()))))


def _context(service: Service, call: Call, seen: Seen, response: Response) -> Context:
    return service.context(call, client=seen.client, params=seen.params, response=response)
