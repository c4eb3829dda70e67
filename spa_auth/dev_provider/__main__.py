"""`python -m spa_auth.dev_provider`: the provider on http://127.0.0.1:9400/, until Ctrl-C."""

import argparse
import contextlib
import sys
from collections.abc import Sequence

from spa_auth.dev_provider.asgi import Delays, serve
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.provider import DevProvider
from spa_auth.errors import ConfigurationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, serve, and return the exit status: 2 where an option is wrong."""
    given = _parser().parse_args(arguments)
    try:
        provider = DevProvider(_options(given))
        print(_welcome(provider), flush=True)  # noqa: T201 - this is what the command is for
        with contextlib.suppress(KeyboardInterrupt):
            serve(provider, given.host, given.port, allow_external=given.allow_external, delays=_delays(given.delay))
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - as above
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spa_auth.dev_provider", description="An OpenID Provider for development, on loopback."
    )
    defaults = Options()
    parser.add_argument("--port", type=int, default=9400, help="the port to listen on (9400)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--issuer", help="the issuer identifier (http://HOST:PORT/)")
    for name in ("access_token", "id_token", "code", "refresh_token", "session"):
        seconds = getattr(defaults, f"{name}_lifetime")
        flag = f"--{name.replace('_', '-')}-lifetime"
        parser.add_argument(flag, type=int, default=seconds, metavar="SECONDS", help=f"({seconds})")
    parser.add_argument(
        "--delay",
        action="append",
        type=_delay,
        default=[],
        metavar="PATH=SECONDS",
        help="answer a path late, for tests; may be given several times",
    )
    parser.add_argument(
        "--allow-external", action="store_true", help="let other machines in; anybody can log in as anybody"
    )
    return parser


def _options(given: argparse.Namespace) -> Options:
    host = f"[{given.host}]" if ":" in given.host else given.host
    return Options(
        issuer=given.issuer or f"http://{host}:{given.port}/",
        access_token_lifetime=given.access_token_lifetime,
        id_token_lifetime=given.id_token_lifetime,
        code_lifetime=given.code_lifetime,
        refresh_token_lifetime=given.refresh_token_lifetime,
        session_lifetime=given.session_lifetime,
    )


def _delay(text: str) -> tuple[str, float]:
    path, equals, seconds = text.partition("=")
    if not equals or not path.startswith("/"):
        raise argparse.ArgumentTypeError("write it as /oauth/token=2")
    return path, float(seconds)


def _delays(given: list[tuple[str, float]]) -> Delays:
    delays = Delays()
    for path, seconds in given:
        delays.set(path, seconds)
    return delays


def _welcome(provider: DevProvider) -> str:
    options = provider.options
    return (
        "Development identity provider: anybody can log in as anybody.\n"
        f"  issuer   {options.issuer}\n"
        f"  clients  {', '.join(client.client_id for client in options.clients)}\n"
        f"  users    {', '.join(user.sub for user in options.users)}, and any other name\n"
        "Ctrl-C ends it."
    )


if __name__ == "__main__":
    sys.exit(main())
