"""The command line of the provider: `spa-auth dev-provider` and `python -m spa_auth.dev_provider`."""

import argparse
import contextlib
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO, get_args, get_origin, get_type_hints

from spa_auth.dev_provider.addresses import Listener, check_loopback, listen
from spa_auth.dev_provider.clients import Client, DemoClient
from spa_auth.dev_provider.configuration import configuration_text, options_of, read_configuration
from spa_auth.dev_provider.controls import Controls, Delay
from spa_auth.dev_provider.event_lines import event_line
from spa_auth.dev_provider.options import Api, Options
from spa_auth.dev_provider.users import ALICE, BOB, User, find_user, typed_user
from spa_auth.errors import ConfigurationError, ProtocolError
from spa_auth.protocol.url import parse_url

if TYPE_CHECKING:
    from spa_auth.dev_provider.provider import DevProvider

HOST = "127.0.0.1"
PORT = 9400
# A program that starts this one may choose the token, so that it need not read it from the terminal.
TOKEN_VARIABLE = "SPA_AUTH_CONTROL_TOKEN"


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m spa_auth.dev_provider") -> int:
    """Read the command line, serve, and return the exit status: 2 where an option is wrong.

    Args:
        arguments: What was typed after the command; None reads it from the process.
        prog: What the command is called in its help.
    """
    given = _parser(prog).parse_args(arguments)
    try:
        return _run(given)
    except ConfigurationError as error:
        print(_told(error), file=sys.stderr)  # noqa: T201 - what is wrong goes to the terminal
        return 2


def _told(error: ConfigurationError) -> str:
    """What is wrong, with a line for each fault where there are several."""
    return "\n  ".join((f"{error.error}:", *error.faults)) if len(error.faults) > 1 else str(error)


def _run(given: argparse.Namespace) -> int:
    values = {**({} if given.config is None else read_configuration(given.config)), **_typed(given)}
    options_of(values)
    if given.print_config:
        print(configuration_text(options_of(values)), end="")  # noqa: T201 - this is what was asked for
        return 0
    host, port = _place(given, values)
    if not given.allow_external:
        check_loopback(host, *([str(values["issuer"])] if "issuer" in values else []))
    listener = listen(host, port)
    _serve(given, listener, options_of({"issuer": listener.url, **values}))
    return 0


def _serve(given: argparse.Namespace, listener: Listener, options: Options) -> None:
    # Here, as these are what takes the time: a wrong option is told at once.
    from spa_auth.dev_provider.asgi import serve
    from spa_auth.dev_provider.outgoing import send
    from spa_auth.dev_provider.provider import DevProvider

    controls = Controls(delays={path: Delay(seconds, times=None) for path, seconds in given.delay})
    token = (os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)) if given.controls else None
    provider = DevProvider(options, controls=controls, send=send, control_token=token)
    colour = _is_colourful(sys.stdout)
    if given.events:
        provider.events.on_any(lambda name, event: _tell(event_line(name, event, time=_clock(), colour=colour)))

    def ready() -> None:
        _tell(_welcome(provider, colour=colour, watched=not given.allow_external, token=token))

    with contextlib.suppress(KeyboardInterrupt):
        serve(provider, listener, allow_external=given.allow_external, when_ready=ready)


def _place(given: argparse.Namespace, values: dict[str, object]) -> tuple[str, int]:
    """Where to listen: as typed, else where the issuer says that it is."""
    host, port = HOST, PORT
    with contextlib.suppress(ProtocolError):
        issuer = parse_url(str(values.get("issuer", "")))
        if issuer.scheme == "http" and issuer.is_loopback:
            host, port = issuer.host.strip("[]"), issuer.port or 80
    return given.host or host, port if given.port is None else given.port


def _typed(given: argparse.Namespace) -> dict[str, object]:
    """The options that were typed; each takes the place of what the file says under its name."""
    typed = {field.name: getattr(given, field.name, None) for field in fields(Options)}
    typed["users"] = tuple(given.user) or None
    typed["clients"] = tuple(_joined(given.client)) or None
    typed["apis"] = tuple(given.audience) or None
    return {name: value for name, value in typed.items() if value is not None}


def _joined(clients: list[Client]) -> Iterator[Client]:
    for client_id in dict.fromkeys(client.client_id for client in clients):
        uris = tuple(uri for client in clients if client.client_id == client_id for uri in client.redirect_uris)
        yield Client(client_id=client_id, redirect_uris=uris)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s [options]",  # the list of all flags would fill a screen
        description="An OpenID Provider for development, on loopback: anybody can log in as anybody. "
        "What is typed here takes the place of what the file says.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help="read the options from a TOML file")
    add("--print-config", action="store_true", help="print the options as such a file, without secrets, and stop")
    add("--port", type=int, help=f"the port to listen on, 0 for any that is free (the issuer's, else {PORT})")
    add("--host", help=f"the address to listen on (the issuer's, else {HOST})")
    add("--events", action="store_true", help="print what happens, one line each, without tokens or codes")
    add(
        "--controls",
        action="store_true",
        help=f"let tests control it by HTTP; prints the token, or takes {TOKEN_VARIABLE}",
    )
    add(
        "--delay",
        action="append",
        type=_delay,
        default=[],
        metavar="PATH=SECONDS",
        help="answer a path late; again for more",
    )
    add("--allow-external", action="store_true", help="let other machines in; they, too, log in as anybody")
    group = parser.add_argument_group("options of the provider")
    group.add_argument(
        "--user",
        action="append",
        type=_user,
        default=[],
        metavar="NAME",
        help="who appears on the login page; again for more",
    )
    group.add_argument(
        "--client", action="append", type=_client, default=[], metavar="ID=REDIRECT_URI",
        help="a public application that is known; again for each redirect URI",
    )  # fmt: skip
    group.add_argument(
        "--audience", action="append", type=_api, default=[], metavar="'URL=SCOPE ...'",
        help="an API that is known, with its scopes; without any, every audience and scope is good",
    )  # fmt: skip
    _add_options(group)
    return parser


def _add_options(group: "argparse._ArgumentGroup") -> None:
    """One flag for each option of one value, described as `Options` describes it."""
    types = get_type_hints(Options)
    for field in fields(Options):
        kind = types[field.name]
        flag, text = f"--{field.name.replace('_', '-')}", _help(field.name, field.default)
        if kind is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        elif get_origin(kind) is Literal:
            group.add_argument(flag, choices=get_args(kind), help=text)
        elif kind in (int, str):
            group.add_argument(flag, type=kind, metavar="SECONDS" if kind is int else "URL", help=text)


def _help(name: str, default: object) -> str:
    # Python -OO leaves no docstrings; the flags work without their descriptions.
    described = re.search(
        rf"^ {{8}}{name}: (.*?)(?=^ {{8}}\w+: |^ {{0,4}}\S|\Z)", Options.__doc__ or "", re.DOTALL | re.MULTILINE
    )
    text = " ".join(described[1].split()) if described else ""
    shown = {True: "on", False: "off"}.get(default, default) if isinstance(default, bool) else default
    return f"{text} ({shown})".replace("%", "%%")


def _user(text: str) -> User:
    user = find_user((ALICE, BOB), text) or typed_user(text)
    if user is None:
        raise argparse.ArgumentTypeError("a name or an e-mail address of 1 to 100 characters")
    return user


def _client(text: str) -> Client:
    client_id, equals, redirect_uri = text.partition("=")
    if not client_id or not equals:
        raise argparse.ArgumentTypeError("write it as my-app=http://127.0.0.1:8000/callback.html")
    return Client(client_id=client_id, redirect_uris=(redirect_uri,))


def _api(text: str) -> Api:
    # From the right: a URL may have a "=" of its own, a scope word of ours has none.
    audience, equals, scopes = text.rpartition("=")
    return Api(audience=audience, scopes=tuple(scopes.split())) if equals else Api(audience=text)


def _delay(text: str) -> tuple[str, float]:
    path, equals, seconds = text.partition("=")
    if not equals or not path.startswith("/") or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", seconds):
        raise argparse.ArgumentTypeError("write it as /oauth/token=2")
    return path, float(seconds)


def _welcome(provider: "DevProvider", *, colour: bool, watched: bool, token: str | None) -> str:
    options, base = provider.options, provider.issuer.removesuffix("/")
    facts = {
        "discovery": f"{base}/.well-known/openid-configuration",
        "client_id": "; ".join(map(_introduced, options.clients)),
        "log in as": f"{', '.join(user.sub for user in options.users)}, or any name you type",
        **({"events": f"{base}/events"} if watched else {}),
        **({"controls": f"{base}/control, with Authorization: Bearer {token}"} if token else {}),
    }
    lines = "\n".join(f"  {name:<12}{fact}" for name, fact in facts.items())
    title = f"\x1b[1;32mReady:\x1b[0m \x1b[1m{provider.issuer}\x1b[0m" if colour else f"Ready: {provider.issuer}"
    warning = "Development only: anybody logs in as anybody."
    banner = f"\x1b[33m{warning}\x1b[0m" if colour else warning
    return f"\n{title}\n{banner}\n\n{lines}\n\n  Ctrl-C stops it.\n"


def _introduced(client: Client) -> str:
    any_uri = ", with any http redirect URI of this machine" if isinstance(client, DemoClient) else ""
    return client.client_id + any_uri


def _is_colourful(out: TextIO) -> bool:
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _clock() -> str:
    return time.strftime("%H:%M:%S")


def _tell(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    # A terminal or a log may know fewer characters than names have: no line is lost for one of them.
    text = text.encode(encoding, "replace").decode(encoding)
    print(text, flush=True)  # noqa: T201 - the terminal is where the command speaks
