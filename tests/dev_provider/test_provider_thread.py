import asyncio
import threading
import warnings

import httpx
import pytest
from dev_provider.harness import KEYS, authorize_params

from spa_auth.dev_provider import Controls, Options
from spa_auth.dev_provider.thread import run_in_thread
from spa_auth.errors import ConfigurationError
from spa_auth.protocol import form


def discovered(issuer: str) -> str:
    return str(httpx.get(f"{issuer}.well-known/openid-configuration").json()["issuer"])


def test_it_answers_at_its_issuer_inside_the_block_and_nowhere_after_it() -> None:
    with run_in_thread(keys=KEYS) as running:
        issuer = running.issuer
        assert discovered(issuer) == issuer == running.provider.issuer
    with pytest.raises(httpx.ConnectError):
        httpx.get(issuer)


def test_it_runs_while_an_event_loop_runs_in_the_same_thread_as_in_a_notebook() -> None:
    async def cell() -> str:
        with run_in_thread(keys=KEYS) as running:
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"{running.issuer}.well-known/openid-configuration")
            return "" if answer.json()["issuer"] != running.issuer else "same"

    assert asyncio.run(cell()) == "same"


def test_several_run_beside_each_other_with_options_of_their_own() -> None:
    options = Options(issuer="http://127.0.0.1:1/", web_message=False)
    with run_in_thread(keys=KEYS) as first, run_in_thread(options, keys=KEYS, host="::1") as second:
        assert discovered(first.issuer) != discovered(second.issuer)
        assert second.issuer.startswith("http://[::1]:")
        assert second.provider.options.web_message is False


def test_listeners_hear_in_the_thread_of_the_provider_and_controls_may_be_set_from_ours() -> None:
    heard: list[tuple[str, str]] = []
    with run_in_thread(keys=KEYS, controls=Controls(clock_offset=60)) as running:
        assert running.provider.controls.clock_offset == 60
        running.provider.events.on_any(lambda name, _event: heard.append((name, threading.current_thread().name)))
        running.provider.controls.deny_silent_login = True
        params = form.encode(authorize_params(prompt="none"))
        answer = httpx.get(f"{running.issuer}authorize?{params}")
    assert "error=login_required" in answer.headers["location"]
    assert heard == [("authorization.error", "spa_auth-dev-provider")]


def test_what_looks_through_the_memory_is_called_in_the_thread_of_the_provider() -> None:
    with run_in_thread(keys=KEYS) as running:
        controls = running.provider.controls
        assert running.call(controls.revoke) == 0
        assert running.call(lambda: controls.end_sessions("alice")) == 0
        assert running.call(lambda: threading.current_thread().name) == "spa_auth-dev-provider"
        with pytest.raises(RuntimeError, match="calls itself"):
            running.call(lambda: running.call(controls.revoke))
    with pytest.raises(RuntimeError, match="has stopped"):
        running.call(controls.revoke)


def test_what_a_call_raises_is_raised_here() -> None:
    def broken() -> None:
        raise LookupError("broken")

    with run_in_thread(keys=KEYS) as running, pytest.raises(LookupError, match="broken"):
        running.call(broken)


def test_it_stops_early_and_twice_and_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with warnings.catch_warnings(), run_in_thread(keys=KEYS) as running:
        warnings.simplefilter("error")
        running.stop()
        running.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(running.issuer)
    assert threading.active_count() == before


def test_it_lives_from_one_cell_of_a_notebook_to_another_and_may_be_stopped_by_a_listener() -> None:
    running = run_in_thread(keys=KEYS)
    assert discovered(running.issuer) == running.issuer
    running.provider.events.on("userinfo.error", lambda _event: running.stop())
    httpx.get(f"{running.issuer}userinfo")
    running.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.issuer)


def test_a_test_that_fails_stops_it_too() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), run_in_thread(keys=KEYS):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_somebody_who_watches_the_events_does_not_hold_up_the_end() -> None:
    with run_in_thread(keys=KEYS) as running, httpx.stream("GET", f"{running.issuer}events/stream") as response:
        text = response.iter_text()
        assert next(text).startswith("retry: ")
        running.stop()
        assert "".join(text) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_it_listens_on_this_machine_only_o01(host: str) -> None:
    with pytest.raises(ConfigurationError, match="Other machines could reach"), run_in_thread(host=host):
        pass


def test_a_taken_port_is_said_in_words() -> None:
    with run_in_thread(keys=KEYS) as running:
        port = int(running.issuer.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(ConfigurationError, match=f"Port {port} of"), run_in_thread(port=port):
            pass
