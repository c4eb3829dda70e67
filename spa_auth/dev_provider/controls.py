"""What a test may change while the provider runs: all off, and out of reach of any request (threat O13)."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from spa_auth.dev_provider.failures import EndpointError
from spa_auth.protocol.http import Request

Malformation = Literal["empty", "truncated", "html", "array", "doubled", "huge"]


class Fault(NamedTuple):
    """What happens to the next answers of a path.

    Args:
        error: Refuse with this OAuth error; "server_error" makes the provider itself fail.
        status: The HTTP status of that refusal.
        malformed: Spoil the body of the answer in this way.
        delay: Seconds to wait before the answer leaves; only a served provider waits.
        times: How many answers; None for all that follow.
    """

    error: str = ""
    status: int = 400
    malformed: Malformation | None = None
    delay: float = 0.0
    times: int | None = 1


@dataclass
class Controls:
    """What a test may change while the provider runs.

    Args:
        clock_offset: Seconds by which the provider is ahead of its clock.
        deny_silent_login: Answer every prompt=none with login_required.
        drop_cookies: Do as if the browser sent no session cookie: in frames, as browsers that block third-party
            cookies do, or always.
    """

    clock_offset: float = 0.0
    deny_silent_login: bool = False
    drop_cookies: Literal["no", "frames", "always"] = "no"
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])

    def drops_cookies(self, request: Request) -> bool:
        """Whether this request is answered as if it carried no session cookie."""
        in_frame = request.header("sec-fetch-dest") == "iframe"
        return self.drop_cookies == "always" or (in_frame and self.drop_cookies == "frames")

    def take(self, path: str) -> Fault | None:
        """The fault of a request for that path that has just come; counts it."""
        fault = self.faults.get(path)
        if fault is not None and fault.times is not None:
            left = {path: fault._replace(times=fault.times - 1)} if fault.times > 1 else {}
            self.faults = {**{key: value for key, value in self.faults.items() if key != path}, **left}
        return fault


def raise_fault(fault: Fault | None) -> None:
    """Fail as a fault demands.

    Raises:
        EndpointError: The OAuth error that it names.
        RuntimeError: It wants the provider itself to fail.
    """
    if fault is None or not fault.error:
        return
    if fault.error == "server_error":
        raise RuntimeError("A test wanted this.")
    raise EndpointError(fault.error, "A test wanted this.", status=fault.status)
