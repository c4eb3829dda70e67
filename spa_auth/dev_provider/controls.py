"""What a test may change while the provider runs: all off, and out of reach of any request (threat O13)."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from spa_auth.dev_provider.failures import EndpointError
from spa_auth.protocol.http import Request

Malformation = Literal["empty", "truncated", "html", "array", "doubled", "huge"]
CookieLoss = Literal["no", "frames", "always"]


class Fault(NamedTuple):
    """What happens to the next answers of a path.

    Args:
        error: Refuse with this OAuth error; "server_error" makes the provider itself fail.
        status: The HTTP status of that refusal.
        malformed: Spoil the body of the answer in this way.
        times: How many answers; None for all that follow.
    """

    error: str = ""
    status: int = 400
    malformed: Malformation | None = None
    times: int | None = 1


class Delay(NamedTuple):
    """How long the next answers of a path take; only a served provider waits.

    Args:
        seconds: How long each answer waits.
        times: How many answers; None for all that follow.
    """

    seconds: float
    times: int | None = 1


@dataclass
class Controls:
    """What a test may change while the provider runs.

    Args:
        clock_offset: Seconds by which the provider is ahead of its clock.
        deny_silent_login: Answer every prompt=none with login_required.
        drop_cookies: Do as if the browser sent no session cookie: in frames, as browsers that block third-party
            cookies do, or always.
        faults: What happens to the next answers of a path.
        delays: How long they take.
    """

    clock_offset: float = 0.0
    deny_silent_login: bool = False
    drop_cookies: CookieLoss = "no"
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    delays: dict[str, Delay] = field(default_factory=dict[str, Delay])

    def drops_cookies(self, request: Request) -> bool:
        """Whether this request is answered as if it carried no session cookie."""
        in_frame = request.header("sec-fetch-dest") == "iframe"
        return self.drop_cookies == "always" or (in_frame and self.drop_cookies == "frames")

    def take(self, path: str) -> Fault | None:
        """The fault of a request for that path that has just come; counts it."""
        return _take(self.faults, path)

    def take_delay(self, path: str) -> float:
        """How many seconds the request for that path that has just come is to wait; counts it, apart from `take`."""
        delay = _take(self.delays, path)
        return 0.0 if delay is None else delay.seconds


Counted = TypeVar("Counted", Fault, Delay)


def _take(waiting: dict[str, Counted], path: str) -> Counted | None:
    found = waiting.get(path)
    if found is None or found.times is None:
        return found
    if found.times > 1:
        waiting[path] = found._replace(times=found.times - 1)
    else:
        waiting.pop(path, None)
    return found


def raise_fault(fault: Fault | None, refusal: type[EndpointError] = EndpointError) -> None:
    """Fail as a fault demands.

    Args:
        fault: What a test wants to go wrong, if anything.
        refusal: How the endpoint says no.

    Raises:
        EndpointError: The OAuth error that it names, as a `refusal`.
        RuntimeError: It wants the provider itself to fail.
    """
    if fault is None or not fault.error:
        return
    if fault.error == "server_error":
        raise RuntimeError("A test wanted this.")
    raise refusal(fault.error, "A test wanted this.", status=fault.status)
