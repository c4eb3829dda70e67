"""What is known of one provider, and how more is found out."""

from collections.abc import Mapping, Sequence

from spa_auth.errors import DiscoveryError, JWTError, NetworkError, SpaAuthError
from spa_auth.protocol import effects
from spa_auth.protocol.effects import Flow, Send
from spa_auth.protocol.http import Response
from spa_auth.protocol.jwk import Key, jwks_request, parse_jwks_response
from spa_auth.protocol.key_set import LIFETIME, KeySet, Verdict
from spa_auth.protocol.metadata import ServerMetadata, metadata_request, parse_metadata_response
from spa_auth.protocol.strict_json import StrictJSONError
from spa_auth.protocol.traits import ProviderTraits, provider_traits


class Provider:
    """What is known of one provider: its metadata and keys, each fetched when first needed and kept.

    Args:
        issuer: The issuer identifier, exactly as the provider's discovery document has it.
        metadata: The metadata, where it is known and need not be fetched.
        lifetime: How long fetched keys are fresh, in seconds.
        tenants: The tenants whose users are accepted, where the provider has one issuer for each.
        is_auth0: Whether it is one of Auth0, which does more than it lists.
        overrides: Traits that its metadata do not show; see `ProviderTraits`.
    """

    __slots__ = ("_is_auth0", "_metadata", "_overrides", "_tenants", "issuer", "keys", "lifetime")

    def __init__(
        self,
        issuer: str,
        *,
        metadata: ServerMetadata | None = None,
        lifetime: float = LIFETIME,
        tenants: Sequence[str] = (),
        is_auth0: bool = False,
        overrides: Mapping[str, object] | None = None,
    ) -> None:
        self.issuer = issuer
        self.lifetime = lifetime
        self.keys = KeySet()
        self._metadata = metadata
        self._tenants = tenants
        self._is_auth0 = is_auth0
        self._overrides = overrides or {}

    def metadata(self) -> Flow[ServerMetadata]:
        """The provider's metadata, fetched once and then kept (OpenID Connect Discovery 1.0 section 4).

        Raises:
            DiscoveryError: The document cannot be used.
            NetworkError: The provider does not answer.
        """
        if self._metadata is None:
            response = yield from effects.send(metadata_request(self.issuer, self._tenants), shared=True)
            self._metadata = parse_metadata_response(response, self.issuer, self._tenants)
        return self._metadata

    def traits(self) -> Flow[ProviderTraits]:
        """How this provider wants to be asked; raises as `metadata` does."""
        server = yield from self.metadata()
        return provider_traits(server, is_auth0=self._is_auth0, overrides=self._overrides)

    def find_keys(self, kid: str | None, alg: str) -> Flow[tuple[Key, ...]]:
        """The keys that may have made a signature, fetched anew at most once if they are not known, or old.

        Where old ones are known, the request for new ones is optional: while one caller makes it, the others go on.

        Raises:
            JWTError: The provider has no such key.
            DiscoveryError: The answer is not a set of keys.
            NetworkError: The provider does not answer, and there is no fitting key from before.
        """
        now = yield from effects.now()
        found = self.keys.lookup(kid, alg, now, lifetime=self.lifetime)
        if found is Verdict.REFETCH:
            known = self.keys.known(kid, alg, now, lifetime=self.lifetime)
            failure = yield from self._fetch_keys(now, optional=bool(known))
            known = self.keys.known(kid, alg, now, lifetime=self.lifetime)
            found = known or self.keys.lookup(kid, alg, now, lifetime=self.lifetime)
            if found is Verdict.UNAVAILABLE and failure is not None:
                raise failure
        if found is Verdict.UNAVAILABLE:
            raise NetworkError(f"The keys of {self.issuer} could not be fetched.", remedy="Try again soon.")
        if isinstance(found, Verdict):
            raise JWTError("The provider has no key that could have signed this token.", claim="kid")
        return found

    def _fetch_keys(self, now: float, *, optional: bool) -> Flow[SpaAuthError | None]:
        try:
            server = yield from self.metadata()
            response = yield Send(jwks_request(server.endpoint("jwks_uri")), shared=True, optional=optional)
            if isinstance(response, Response):  # else somebody asks already
                self.keys = self.keys.fetched(parse_jwks_response(response), now, lifetime=self.lifetime)
        except SpaAuthError as error:  # whatever it was, asking again at once would not help
            self.keys = self.keys.failed(now)
            return _unusable_keys(error) if isinstance(error, StrictJSONError) else error
        return None


def _unusable_keys(error: StrictJSONError) -> DiscoveryError:
    return DiscoveryError(f"The keys of the provider are unusable: {error.error_description}", claim="jwks_uri")
