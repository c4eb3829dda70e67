"""How an endpoint says no. These errors never leave the provider; events carry them to listeners."""

from spa_auth.errors import SpaAuthError
from spa_auth.protocol.http import Headers

# RFC 9449 section 8, RFC 8628 section 3.5: answers that ask for the same request again.
CHALLENGES = frozenset({"use_dpop_nonce", "authorization_pending", "slow_down"})


class EndpointError(SpaAuthError):
    """An OAuth error, answered as JSON (RFC 6749 section 5.2).

    Args:
        error: The code of the specification.
        error_description: What was wrong, in printable ASCII without quote and backslash.
        status: The HTTP status.
        headers: Headers that the answer must carry.
    """

    def __init__(self, error: str, error_description: str, *, status: int = 400, headers: Headers = ()) -> None:
        self.status = status
        self.headers = headers
        super().__init__(error_description, error=error)

    @property
    def is_challenge(self) -> bool:
        """Whether this is a step of a request that goes well, and no fault."""
        return self.error in CHALLENGES


class AuthorizationError(EndpointError):
    """An error that goes back to the application, in its redirect URI (RFC 6749 section 4.1.2.1)."""


class PageError(EndpointError):
    """An error that is shown to whoever sits there, as no redirect URI can be trusted (RFC 6749 section 4.1.2.1).

    Args:
        error: The code of the specification.
        error_description: What was wrong.
        remedy: What to do, in one sentence.
        evidence: The value at fault, shown as it came.
        status: The HTTP status.
    """

    def __init__(
        self, error: str, error_description: str, *, remedy: str = "", evidence: str = "", status: int = 400
    ) -> None:
        super().__init__(error, error_description, status=status)
        self.remedy = remedy
        self.evidence = evidence
