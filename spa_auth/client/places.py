"""Where a login comes back to: the redirect URI of this client, and the address to go on at."""

from spa_auth.client.config import ClientConfig
from spa_auth.client.platform import Platform
from spa_auth.errors import ConfigurationError, MissingTransactionError, ProtocolError
from spa_auth.protocol.url import origin_of, parse_url, safe_return_to, secure_url


class Places:
    """The addresses of one client.

    Args:
        config: The options.
        platform: The ports.
    """

    def __init__(self, config: ClientConfig, platform: Platform) -> None:
        self._given = config.redirect_uri
        self._navigator = platform.navigator

    @property
    def redirect_uri(self) -> str:
        """The redirect URI: the configured one, resolved; else this page without query and fragment.

        Raises:
            ConfigurationError: It is no address for a login, or on another origin than this page.
        """
        navigator, given = self._navigator, self._given
        if navigator is None and given is None:
            raise ConfigurationError('"redirect_uri" must be given where there is no window.')
        address = given if navigator is None else navigator.resolve(navigator.url if given is None else given)
        try:
            url = secure_url(str(address))
            is_here = navigator is None or url.origin == origin_of(navigator.url)
        except ProtocolError as error:
            remedy = error.remedy or "Write the whole address, such as https://app.example/callback.html."
            raise ConfigurationError(f'"redirect_uri": {error.error_description}', remedy=remedy) from None
        if given is not None and url.fragment:
            raise ConfigurationError('"redirect_uri" must have no fragment (RFC 6749 section 3.1.2).')
        if not is_here:
            raise ConfigurationError('"redirect_uri" must be on the origin of this page.')
        query = f"?{url.query}" if given is not None and url.query else ""
        return f"{url.origin}{url.path}{query}"

    @property
    def has_callback_page(self) -> bool:
        """Whether the redirect URI is another page than this one, which can answer for popups and frames."""
        navigator, redirect_uri = self._navigator, self.redirect_uri
        if navigator is None or self._given is None:
            return self._given is not None
        page = parse_url(navigator.url)
        return redirect_uri != f"{page.origin}{page.path}"

    @property
    def here(self) -> str:
        """The address of this page; where there is no window, the redirect URI."""
        return self.redirect_uri if self._navigator is None else self._navigator.url

    def return_to(self, given: str | None) -> str:
        """Where to go on after a login: a path on this origin, by default that of this page."""
        navigator, here = self._navigator, self.here
        address = given if given is None or navigator is None else navigator.resolve(given)
        default = "/" if navigator is None else safe_return_to(here, here)
        return default if address is None else safe_return_to(address, here, default)

    def query_of(self, url: str) -> str:
        """The query of an address that the provider redirected to.

        Raises:
            MissingTransactionError: It is not the redirect URI of this client (threat A20).
        """
        address = parse_url(url)
        if f"{address.origin}{address.path}" != self.redirect_uri.partition("?")[0]:
            raise MissingTransactionError("This address is not the redirect URI of this client.")
        return address.query
