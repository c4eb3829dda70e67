import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from dev_provider.harness import ISSUER, KEYS, World

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app, events_of
from spa_auth.dev_provider.event_page import answer_watcher
from spa_auth.dev_provider.event_stream import KEPT, LAG, EventStream, Reader
from spa_auth.dev_provider.events import Context, ErrorEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.thread import run_in_thread
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import parse_url

EVENT = ErrorEvent(Context(request=Request("GET", ISSUER)), EndpointError("invalid_grant", "No."))
NOW = 1_767_225_600.5


def new_stream(heartbeat: float = 5) -> EventStream:
    return EventStream(lambda: NOW, heartbeat=heartbeat)


def blocks(text: str) -> list[dict[str, str]]:
    """The events of a stream, read as the HTML standard has it."""
    told = [block for block in text.split("\n\n") if "data: " in block]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in told]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), 10)

    asyncio.run(bounded())


async def read(reader: Reader, count: int) -> str:
    text, blocks_read = b"", 0
    async for block in reader:
        text, blocks_read = text + block, blocks_read + 1
        if blocks_read == count:
            break
    return text.decode()


def test_who_comes_late_reads_what_was_and_then_what_comes() -> None:
    async def scenario() -> None:
        stream = new_stream()
        stream.listen("grant.error", EVENT)
        with stream.reader() as reader:
            stream.listen("userinfo.error", EVENT)
            text = await read(reader, 2)
        assert text.startswith("retry: 1000\n\nid: ")
        told = [json.loads(block["data"]) for block in blocks(text)]
        facts = [["error", "invalid_grant"], ["description", "No."]]
        assert told == [
            {"at": NOW, "name": "grant.error", "tone": "error", "facts": facts},
            {"at": NOW, "name": "userinfo.error", "tone": "error", "facts": facts},
        ]

    run(scenario)


def test_the_last_two_hundred_are_kept() -> None:
    async def scenario() -> None:
        stream = new_stream()
        for _ in range(KEPT + 50):
            stream.listen("grant.error", EVENT)
        with stream.reader() as reader:
            ids = [block["id"] for block in blocks(await read(reader, 1))]
        assert (len(ids), ids[-1].partition("-")[2]) == (KEPT, str(KEPT + 50))

    run(scenario)


@pytest.mark.parametrize(
    ("last", "left"),
    [
        ("{run}-2", 1),
        ("{run}-3", 0),
        ("{run}-99", 0),
        ("", 3),
        ("1-2", 3),
        ("{run}-x", 3),
        ("{run}-²", 3),
        ("9" * 5000, 3),
    ],
)
def test_who_comes_back_reads_what_was_missed_unless_it_was_another_run(last: str, left: int) -> None:
    async def scenario() -> None:
        stream = new_stream()
        for _ in range(3):
            stream.listen("grant.error", EVENT)
        with stream.reader(last.format(run=f"{NOW * 1000:.0f}")) as reader:
            assert len(blocks(await read(reader, 1))) == left

    run(scenario)


def test_silence_is_filled_with_comments() -> None:
    async def scenario() -> None:
        with new_stream(heartbeat=0.01).reader() as reader:
            assert (await read(reader, 3)).endswith("\n\n:\n\n:\n\n")

    run(scenario)


def test_a_reader_who_lags_too_far_behind_is_dropped_and_nobody_else() -> None:
    async def scenario() -> None:
        stream = new_stream()
        with stream.reader() as slow, stream.reader() as quick:
            for number in range(LAG + 100):
                stream.listen("grant.error", EVENT)
                if number % 100 == 0:
                    await read(quick, 1 if number == 0 else 100)
            assert len(blocks(await read(slow, -1))) == LAG - 1

    run(scenario)


def test_the_end_of_the_server_ends_every_stream_also_one_that_has_just_begun() -> None:
    async def scenario() -> None:
        stream = new_stream()
        with stream.reader() as before:
            stream.close()
            assert await read(before, -1) == "retry: 1000\n\n"
        with stream.reader() as after:
            assert await read(after, -1) == "retry: 1000\n\n"

    run(scenario)


def test_an_event_after_the_loop_of_a_reader_has_ended_harms_nobody() -> None:
    async def start() -> Reader:
        with new_stream().reader() as reader:
            return reader

    asyncio.run(start()).put(b"late")


def asked(path: str, *headers: tuple[str, str], method: str = "GET", shown: bool = True) -> Response | None:
    return answer_watcher(Request(method, ISSUER.removesuffix("/") + path, headers), parse_url(ISSUER), shown=shown)


FROM_ELSEWHERE = [
    (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors")),
    (("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "cors")),
    (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")),
]


@pytest.mark.parametrize("path", ["/events", "/events/stream", "/events/page.js", "/events/page.css"])
def test_only_the_page_itself_may_read_the_events(path: str) -> None:
    for headers in FROM_ELSEWHERE:
        refused = asked(path, *headers)
        assert refused is not None
        assert refused.status == 403
    for own in ((), (("Sec-Fetch-Site", "same-origin"),), (("Sec-Fetch-Site", "none"),)):
        answer = asked(path, *own)
        assert answer is not None
        assert answer.status == 200
        assert answer.header("access-control-allow-origin") is None


def test_a_link_from_elsewhere_opens_the_page_and_never_the_stream() -> None:
    link = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"))
    statuses = [answer.status for path in ("/events", "/events/stream") if (answer := asked(path, *link)) is not None]
    assert statuses == [200, 403]


def test_what_is_no_request_to_watch_is_left_to_the_provider() -> None:
    assert asked("/authorize") is None
    assert asked("/events/other") is None
    assert asked("/events", ("Host", "evil.test")) is None  # O01: the provider answers 421
    posted = asked("/events", method="POST")
    assert posted is not None
    assert posted.status == 405


def test_without_a_stream_the_page_says_so() -> None:
    answer = asked("/events", shown=False)
    assert answer is not None
    assert (answer.status, b"--events" in answer.body) == (404, True)
    assert asked("/events/stream", shown=False) is None


def test_the_page_runs_its_own_script_only_and_is_in_no_frame() -> None:
    page = asked("/events")
    assert page is not None
    policy = page.header("content-security-policy") or ""
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert b"<script src=" in page.body
    assert b"<script>" not in page.body
    assert b"style=" not in page.body


def test_a_head_request_gets_the_headers_of_the_stream_and_ends() -> None:
    provider = DevProvider(keys=KEYS)
    transport = httpx.ASGITransport(app(provider, stream=events_of(provider)))

    async def scenario() -> None:
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.head(f"{ISSUER}events/stream")
            assert answer.headers["content-type"].startswith("text/event-stream")

    run(scenario)


def test_below_a_path_everything_is_below_it_and_a_foreign_host_is_refused_o01() -> None:
    provider = DevProvider(Options(issuer="http://127.0.0.1:9400/tenant/"), keys=KEYS)
    transport = httpx.ASGITransport(app(provider, stream=events_of(provider)))

    async def scenario() -> None:
        async with httpx.AsyncClient(transport=transport) as client:
            page = await client.get("http://127.0.0.1:9400/tenant/events")
            assert '<body class="watching" data-stream="/tenant/events/stream">' in page.text
            assert (await client.get("http://127.0.0.1:9400/tenant/events/page.css")).status_code == 200
            assert (await client.get("http://evil.test:9400/tenant/events")).status_code == 421

    run(scenario)


def test_a_whole_login_is_told_live_and_without_its_code() -> None:
    world = World()
    with run_in_thread(keys=KEYS) as running, httpx.stream("GET", f"{running.issuer}events/stream") as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        code = world.login()["code"]
        for name, event in world.events:
            running.provider.events.emit(name, event)
        text = ""
        for part in response.iter_text():
            text += part
            if len(blocks(text)) == len(world.events):
                break
    assert [json.loads(block["data"])["name"] for block in blocks(text)] == world.trace
    assert code not in text
