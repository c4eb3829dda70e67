"""The development provider as the demo serves it."""

from dataclasses import replace

from spa_auth.cli.servers import ASGIApp
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app, events_of
from spa_auth.dev_provider.event_stream import EventStream
from spa_auth.dev_provider.outgoing import send


def provider_app(issuer: str, access_token_lifetime: int | None) -> tuple[ASGIApp, EventStream]:
    """A provider that knows its own address, as an ASGI app, and the stream of its events."""
    options = Options(issuer=issuer)
    if access_token_lifetime is not None:
        options = replace(options, access_token_lifetime=access_token_lifetime)
    provider = DevProvider(options, send=send)
    stream = events_of(provider)
    return app(provider, stream=stream), stream
