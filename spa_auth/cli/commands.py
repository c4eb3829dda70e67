"""The commands of `spa-auth`: what can be typed, and what is printed."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from spa_auth import __version__
from spa_auth.cli.checkout import find_checkout
from spa_auth.cli.failure import CannotStartError

app = typer.Typer(
    help="Login and API tokens for Python in the browser: a whole system on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)

USERS = "alice or bob, with one click, or any name you type"

Host = Annotated[str, typer.Option(help="The loopback address to listen on.")]
MAX_PORT = 65_535
Lifetime = Annotated[int | None, typer.Option(min=1, help="Seconds that access tokens are good.", show_default="600")]


@app.command()
def demo(
    *,
    page_port: Annotated[
        int, typer.Option(min=0, max=MAX_PORT, help="The port of the page; 0 takes any free one.")
    ] = 9401,
    provider_port: Annotated[
        int, typer.Option(min=0, max=MAX_PORT, help="The port of the identity provider; 0 as above.")
    ] = 9400,
    api_port: Annotated[int, typer.Option(min=0, max=MAX_PORT, help="The port of the API; 0 as above.")] = 9402,
    host: Host = "127.0.0.1",
    access_token_lifetime: Lifetime = None,
) -> None:
    """Start the provider, an API and a page that logs in and calls it. Ctrl-C stops all three."""
    from spa_auth.cli.demo import DemoOptions, Running, run_demo

    def announce(running: Running) -> None:
        _print_ready(
            running.page.url,
            {
                "log in as": USERS,
                "the provider": running.provider.url,
                "its events": f"{running.provider.url}events",
                "the API": running.api.url,
            },
        )

    options = DemoOptions(
        host=host,
        page_port=page_port,
        provider_port=provider_port,
        api_port=api_port,
        access_token_lifetime=access_token_lifetime,
    )
    with _failures_in_words():
        _log_to_terminal()
        run_demo(find_checkout(Path.cwd()), options, when_ready=announce)


# The command has flags of its own, one for each option, so nothing is read here, not even --help.
@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
def dev_provider(context: typer.Context) -> None:
    """Start the development identity provider alone. For development only: anybody logs in as anybody."""
    from spa_auth.dev_provider.command import main

    raise typer.Exit(main(context.args, prog="spa-auth dev-provider"))


@app.callback(invoke_without_command=True)
def version(*, version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Answer what stands before any command."""
    if version:
        out.print(f"spa-auth {__version__}")
        raise typer.Exit


@contextmanager
def _failures_in_words() -> Generator[None, None, None]:
    try:
        yield
    except CannotStartError as failure:
        err.print(f"[bold red]Cannot start.[/] {failure}")
        raise typer.Exit(1) from failure


def _print_ready(url: str, facts: dict[str, str]) -> None:
    table = Table.grid(padding=(0, 3))
    for name, fact in facts.items():
        table.add_row(f"  {name}", fact)
    out.print(f"\n[bold green]Ready:[/] [bold]{url}[/]\n")
    out.print(table)
    out.print("\n  Ctrl-C stops everything.\n")


def _log_to_terminal() -> None:
    """Show what goes wrong, and what our own loggers tell: the API says there why it refused a token."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[RichHandler(show_path=False)])
    logging.getLogger("spa_auth").setLevel(logging.INFO)
