"""A client and the development provider, face to face."""

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import client_config
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.protocol.url import origin_of
from spa_auth.testing.browser import FakeBrowser
from spa_auth.testing.clock import FakeClock

PAGE = "http://127.0.0.1:9401/"
CALLBACK_PAGE = "http://127.0.0.1:9401/callback.html"


class Pair:
    """A page in a browser in memory, and the provider at which it logs in.

    Args:
        provider: The provider.
        browser: The browser.
        clock: The clock of both.
        options: Options of the client, beyond issuer, client_id and redirect_uri.
    """

    def __init__(
        self, provider: DevProvider, browser: FakeBrowser, clock: FakeClock, options: dict[str, object]
    ) -> None:
        self.provider = provider
        self.browser = browser
        self.clock = clock
        self._options = options

    async def open(self, **options: object) -> AuthClient:
        """Load the page: a new client over the same browser, as after F5.

        Args:
            options: Options of the client, in place of those of the pair.
        """
        self.browser.unload()
        return await AuthClient.create(client_config({**self._options, **options}), self.browser.platform)

    def new_tab(self, *, window: bool = True) -> "Pair":
        """Another tab of the same browser, or a worker where `window` is False; `open` loads the page there."""
        return Pair(self.provider, self.browser.new_tab(window=window), self.clock, self._options)

    async def login(self, auth: AuthClient, user: str = "alice", **login_options: object) -> AuthClient:
        """Log a user in and return the client of the page that comes after it.

        Args:
            auth: The client of the page now.
            user: Who the user chooses to be on the provider's page.
            login_options: As for `login_with_redirect`.
        """
        self.browser.choice = {"user": user}
        return await self.leave_and_return(auth, **login_options)

    async def leave_and_return(self, auth: AuthClient, **login_options: object) -> AuthClient:
        """As `login`, with whatever `browser.choice` says; the login may fail."""
        if self.browser.platform.navigator is None:
            await auth.login_with_redirect(open_url=self.browser.go, **login_options)  # type: ignore[arg-type]
            await auth.handle_redirect_callback(self.browser.visited[-1])
            return auth
        await self.browser.go(await self.browser.until_departure(auth.login_with_redirect(**login_options)))  # type: ignore[arg-type]
        return await self.open()


def pair(
    *, provider_options: Options | None = None, keys: SigningKeys | None = None, window: bool = True, **options: object
) -> Pair:
    """A page and a development provider that know each other.

    Args:
        provider_options: The provider's configuration.
        keys: The provider's signing keys; making new ones takes a moment.
        window: Whether the client has a window; without one it is as in a worker.
        options: Options of the client; issuer, client_id and redirect_uri are set already.
    """
    clock = FakeClock()
    provider = DevProvider(provider_options, clock=clock, keys=keys)
    browser = FakeBrowser(page=PAGE, callback_page=CALLBACK_PAGE, clock=clock, window=window)
    browser.servers[origin_of(provider.issuer)] = provider.handle
    known: dict[str, object] = {"issuer": provider.issuer, "client_id": "demo", "redirect_uri": CALLBACK_PAGE}
    return Pair(provider, browser, clock, {**known, **options})
