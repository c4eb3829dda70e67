"""The options of a validator: each written once, all faults reported at once."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass
from typing import cast

from spa_auth.errors import ConfigurationError, ProtocolError, SpaAuthError
from spa_auth.protocol.jwk import ALGORITHMS
from spa_auth.protocol.jwt import MAX_TOKEN_LENGTH
from spa_auth.protocol.metadata import check_issuer
from spa_auth.protocol.strict_json import is_number
from spa_auth.protocol.url import secure_url

MAX_TOLERANCE = 300
_MIN_TOKEN_LENGTH = 256


@dataclass(frozen=True, kw_only=True)
class ValidatorOptions:
    """The whole configuration of an `AccessTokenValidator`. All durations are in seconds.

    Args:
        issuer: The provider's issuer identifier, exactly as in its discovery document.
        audience: This API's identifier, or several of which a token has to name one.
        clock_skew: Moves the clock: positive where this machine's clock runs behind the provider's.
        clock_tolerance: Widens the validity of a token at both ends; at most 300.
        algorithms: The signature algorithms to accept, all of them asymmetric.
        jwks_cache_duration: How long the provider's keys are used before they are fetched anew.
        max_token_length: The longest token to look at, in characters; 16384 at most.
        response_timeout: How long one request to the provider may take.
        tenant_domain: A second name of `issuer`.

    Raises:
        ConfigurationError: Names everything that is wrong, at once.
    """

    issuer: str = ""
    audience: str | Sequence[str] = ()
    clock_skew: float = 0
    clock_tolerance: float = 60
    algorithms: str | Collection[str] = tuple(ALGORITHMS)
    jwks_cache_duration: float = 300
    max_token_length: int = MAX_TOKEN_LENGTH
    response_timeout: float = 10
    tenant_domain: InitVar[str] = ""

    def __post_init__(self, tenant_domain: str) -> None:
        faults = [] if tenant_domain in ("", self.issuer or tenant_domain) else [_TWO_NAMES]
        object.__setattr__(self, "issuer", self.issuer or tenant_domain)
        faults += [fault for check in CHECKS for fault in check(self)]
        if faults:
            raise ConfigurationError(*faults)

    @property
    def audiences(self) -> tuple[str, ...]:
        """The option `audience` as a tuple."""
        return _names(self.audience)

    @property
    def accepted_algorithms(self) -> frozenset[str]:
        """The option `algorithms` as a set."""
        return frozenset(_names(self.algorithms))

    @property
    def is_local(self) -> bool:
        """Whether the provider is on this machine, as in development."""
        return secure_url(self.issuer).is_loopback


_TWO_NAMES = "issuer and tenant_domain are two names of one option, and their values differ."


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(cast("Iterable[str]", value)) if isinstance(value, Iterable) else ()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _issuer_faults(options: ValidatorOptions) -> Iterator[str]:
    if not _is_text(options.issuer):
        yield 'issuer is missing: set it to the "issuer" value in the provider\'s discovery document.'
        return
    for check in (secure_url, check_issuer):
        try:
            check(options.issuer)
        except ProtocolError as error:
            yield _sentence(f"issuer {options.issuer!a} cannot be used:", error)


def _sentence(start: str, error: SpaAuthError) -> str:
    return " ".join(part for part in (start, error.error_description, error.remedy) if part)


def _audience_faults(options: ValidatorOptions) -> Iterator[str]:
    if not options.audiences:
        yield "audience is missing: set it to this API's identifier at the provider."
    if not all(_is_text(name) for name in options.audiences):
        yield "audience must be a text or several texts, none of them empty."


def _algorithm_faults(options: ValidatorOptions) -> Iterator[str]:
    names = _names(options.algorithms)
    if not names:
        yield "algorithms must name at least one algorithm."
    for name in names:
        if name not in ALGORITHMS:
            yield f"algorithms cannot have {name!a}: use some of {', '.join(ALGORITHMS)}."


def _number_faults(options: ValidatorOptions) -> Iterator[str]:
    for name, least, most in (
        ("clock_skew", -math.inf, math.inf),
        ("clock_tolerance", 0, MAX_TOLERANCE),
        ("jwks_cache_duration", 0, math.inf),
        ("max_token_length", _MIN_TOKEN_LENGTH, MAX_TOKEN_LENGTH),
        ("response_timeout", 0.001, math.inf),
    ):
        value = getattr(options, name)
        if not is_number(value) or not math.isfinite(value):
            yield f"{name} must be a number."
        elif not least <= value <= most:
            yield f"{name} must be at least {least}" + (f" and at most {most}." if math.isfinite(most) else ".")


CHECKS: tuple[Callable[[ValidatorOptions], Iterator[str]], ...] = (
    _issuer_faults,
    _audience_faults,
    _algorithm_faults,
    _number_faults,
)


def origin_faults(origins: Collection[str]) -> list[str]:
    """What is wrong with the origins of pages: each has to be written as a browser writes it."""
    wrong = [origin for origin in origins if not _is_origin(origin)]
    return [f"origins cannot have {origin!a}: use the form https://app.example." for origin in wrong]


def _is_origin(text: str) -> bool:
    try:
        return secure_url(text).origin == text
    except ProtocolError:
        return False
