"""Where Python and JavaScript meet: what comes over is taken once, as plain values, and nothing stays behind."""

import json
from pathlib import Path

from browser.journey import START, Journey

import spa_auth

# Values that are nothing, or not what they seem to be.
TABLE = """
window.table = [
    undefined, null, NaN, -0, 0, 10n, 2n ** 70n, true, false, {}, [], ['text'], () => 'text', new Date(0),
    new String('text'), Object.create(null), new Map(), new Uint8Array(4), new Proxy({}, {get() { throw Error('no') }}),
];
window.bend = (number) => { Storage.prototype.getItem = () => table[number] };
window.odd_gate = (number) => { window.spa_auth_odd = table[number] };
window.messages = (number, state) => [
    table[number],
    {type: table[number], state, response: 'code=x'},
    {type: 'spa_auth:response', state: table[number], response: 'code=x'},
    {type: 'spa_auth:response', state, response: table[number]},
    {type: 'authorization_response', response: table[number]},
    {type: 'authorization_response', response: {state: table[number], code: 'x'}},
];
window.answer = (number, state) => ({type: 'authorization_response', response: {state, code: table[number]}});
window.tell = (data) => window.dispatchEvent(new MessageEvent('message', {data, origin, source: window}));
"""


def test_what_is_no_text_in_javascript_is_none_in_python(journey: Journey) -> None:
    """S13: undefined, null, NaN, -0, BigInt, objects and more, in each place that foreign values come from."""
    journey.page.add_init_script(TABLE)
    journey.run(
        START
        + """
from js import window
from spa_auth.browser._js import has
from spa_auth.browser.messages import Listener
from spa_auth.browser.storage import WebStorage

STATE = "sAAAA"
storage = WebStorage("sessionStorage")
wrong = []
for number in range(window.table.length):
    window.bend(number)
    window.odd_gate(number)
    if storage.get("spa_auth:x") is not None:
        wrong.append(("storage", number))
    if has("spa_auth_odd") not in ((False,) if number < 2 else (False, True)):
        wrong.append(("has", number))
    for mode in ("callback_page", "web_message"):
        listener = Listener(state=STATE, origin=window.location.origin, source=lambda: window, mode=mode)
        for message in window.messages(number, STATE):
            window.tell(message)
        if listener.answer.done():
            wrong.append((mode, number))
        if mode == "web_message":
            window.tell(window.answer(number, STATE))
            if not listener.answer.done() or listener.answer.result() != f"state={STATE}":
                wrong.append(("member", number))
        listener.close()
say(window.table.length, wrong)
done()
"""
    )
    assert journey.said().strip() == "19 []"
    assert journey.page_errors == []


GETTERS = """
window.reads = {};
const changing = (members) => {
    const made = {};
    for (const [name, values] of Object.entries(members))
        Object.defineProperty(made, name, {enumerable: true, get() {
            reads[name] = (reads[name] ?? 0) + 1;
            return values[Math.min(reads[name], values.length) - 1];
        }});
    return made;
};
window.tell = (mode, state) => {
    window.reads = {};
    const data = mode === 'callback_page'
        ? changing({type: ['spa_auth:response', 'x'], state: [state, 'x'], response: ['code=good', 'code=evil']})
        : {type: 'authorization_response', response: changing({state: [state, 'evil'], code: ['good', 'evil']})};
    window.dispatchEvent(new MessageEvent('message', {data, origin, source: window}));
};
window.most = () => Math.max(...Object.values(reads));
"""


def test_what_javascript_says_is_asked_once_and_is_a_plain_text_from_then_on(journey: Journey) -> None:
    """S08: a getter that says something else the second time is not heard a second time."""
    journey.page.add_init_script(GETTERS)
    journey.run(
        START
        + """
from js import window
from spa_auth.browser import browser_platform
from spa_auth.browser.messages import Listener
from spa_auth.protocol.http import Request

STATE = "sAAAA"
for mode in ("callback_page", "web_message"):
    listener = Listener(state=STATE, origin=window.location.origin, source=lambda: window, mode=mode)
    window.tell(mode, STATE)
    answer = await listener.answer
    listener.close()
    say(type(answer).__name__, answer, window.most())
platform = browser_platform()
platform.session_storage.set("a", "b")
echo = Request("GET", f"{window.location.origin}/answers/echo")
response = await platform.transport.send(echo, timeout=5, max_bytes=9999)
plain = [
    platform.session_storage.get("a"), *platform.session_storage.names(), platform.navigator.url,
    platform.navigator.resolve("/x"), response.url, *[text for pair in response.headers for text in pair],
]
say({type(each).__name__ for each in plain}, type(response.status).__name__, type(response.body).__name__)
done()
"""
    )
    assert journey.said().splitlines() == [
        "str code=good 1",
        "str state=sAAAA&code=good 1",
        "{'str'} int bytes",
    ]


NOISE = """
window.noise = (hear) => {
    const cyclic = {}; cyclic.self = cyclic;
    let deep = [];
    for (let depth = 0; depth < 200000; depth++) deep = [deep];
    const throws = Object.defineProperty({}, 'a', {enumerable: true, get() { throw new Error('no') }});
    for (const data of [
        cyclic, deep, 10n, undefined, () => 'x', Symbol.iterator, 'x'.repeat(300000), {a: 'x'.repeat(5000000)},
        {toJSON() { return cyclic }}, throws, new Proxy({}, {ownKeys() { throw new Error('no') }}),
        {type: cyclic, state: deep, response: throws}, {response: throws}, Array(1000000).fill(0),
    ]) hear({data, origin, source: window});
    hear({data: {good: 1}, origin, source: window});
};
"""


def test_deep_cyclic_and_huge_messages_are_ignored_whole(journey: Journey) -> None:
    """S09: none is turned into Python objects, nothing is raised, and the next message is heard."""
    journey.page.add_init_script(NOISE)
    journey.run(
        START
        + """
from js import MessageChannel, window
from spa_auth.browser.channels import Line
from spa_auth.browser.messages import Listener

heard = []
channel = MessageChannel.new()
line = Line(channel.port1, heard.append)
window.noise(channel.port1.onmessage)
line.close()
say(*heard)
for mode in ("callback_page", "web_message"):
    listener = Listener(state="sAAAA", origin=window.location.origin, source=lambda: window, mode=mode)
    window.noise(listener._from_window)
    say(listener.answer.done())
    listener.close()
done()
"""
    )
    assert journey.said().splitlines() == ['{"good":1}', "False", "False"]
    assert journey.page_errors == []


def test_only_flat_objects_are_turned_into_python_objects() -> None:
    """S09: the headers of a response and the names in a storage; whatever else comes is asked for what is needed."""
    folder = Path(spa_auth.__file__).parent / "browser"
    lines = [line for path in folder.glob("*.py") for line in path.read_text("utf-8").splitlines() if "to_py(" in line]
    assert sorted(line.strip() for line in lines) == [
        "headers: dict[str, str] = js.Object.fromEntries(response.headers).to_py()",
        "return list(js.Object.keys(self._area).to_py())",
    ]


EXACT = """{"id": 9007199254740993, "large": 123456789012345678901234567890, "small": -0.0,
"__proto__": {"admin": true}, "constructor": {"prototype": {"admin": true}}}"""


def test_json_is_read_by_python_and_keeps_what_javascript_would_lose(journey: Journey) -> None:
    """S10: every digit, and a member called __proto__ that is a member."""
    servers = journey.servers
    journey.log_in()
    servers.lab.file("exact.json", EXACT.encode())
    journey.run(
        START
        + """
auth = await create_auth_client()
got = await auth.fetch_with_auth("/files/exact.json").json()
say(json.dumps(got))
done()
""",
        base_url=servers.origin,
    )
    assert json.loads(journey.said()) == json.loads(EXACT)
    assert "9007199254740993" in journey.said()
    assert journey.page.evaluate("({}).admin === undefined")


def test_no_token_lies_where_every_script_and_module_looks_first(journey: Journey) -> None:
    """S07: neither in the globals of a module, nor in those of the page's Python, nor in the window."""
    journey.log_in()
    journey.run(
        START
        + """
import sys

def texts(value, depth=0):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bytes, bytearray)):
        yield value.decode("latin-1")
    elif depth < 5 and isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(key, depth + 1)
            yield from texts(inner, depth + 1)
    elif depth < 5 and isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from texts(inner, depth + 1)
    elif depth < 2 and isinstance(value, type) and value.__module__.startswith("spa_auth"):
        yield from texts(dict(vars(value)), depth + 1)

def places(secret):
    members = {name: dict(getattr(module, "__dict__", {})) for name, module in sys.modules.items()}
    return [name for name, known in members.items() if any(secret in text for text in texts(known))]

auth = await create_auth_client()

async def search():
    token = await auth.get_token_silently()
    await auth.fetch_with_auth("/notes")
    before = places(token)
    sys.planted = {"x": [token]}
    found = places(token)
    del sys.planted
    return auth.user.name, before, found

say(*await search())
done()
"""
    )
    assert journey.said().strip() == "Alice Archer [] ['sys']"
    secrets = sorted(journey.servers.provider.journal.secrets)
    assert len(secrets) > 5
    assert journey.page.evaluate(SEARCH, secrets) == []
    journey.page.evaluate("(secrets) => { window.planted = {deep: [secrets[0]]} }", secrets)
    assert journey.page.evaluate(SEARCH, secrets) == ["planted"]


SEARCH = """(secrets) => {
    const has = (value, depth) => {
        if (typeof value === 'string') return secrets.some((secret) => value.includes(secret));
        if (depth > 2 || value === null || typeof value !== 'object') return false;
        return Object.getOwnPropertyNames(value).some((name) => {
            try { return has(value[name], depth + 1) } catch { return false }
        });
    };
    const around = new Set(['window', 'self', 'frames', 'parent', 'top', 'globalThis', 'sessionStorage']);
    return Object.getOwnPropertyNames(window).filter((name) => {
        try { return !around.has(name) && has(window[name], 0) } catch { return false }
    });
}"""


LATE = """
const channel = new BroadcastChannel('spa_auth:sAAAA'), other = new BroadcastChannel('late');
window.late = () => {
    for (const data of [{type: 'spa_auth:response', state: 'sAAAA', response: 5}, 'x', null]) {
        window.postMessage(data, '*'); channel.postMessage(data); other.postMessage(data);
    }
    for (const name of ['online', 'visibilitychange', 'pageshow']) window.dispatchEvent(new Event(name));
};
window.flood = setInterval(late, 1);
"""


def test_messages_that_come_too_late_find_nobody(journey: Journey) -> None:
    """W21: each wait ends at its time, and what arrives after it calls nothing that is gone."""
    journey.page.add_init_script(LATE)
    journey.run(
        START
        + """
from js import clearInterval, window
from spa_auth.browser.channels import WebChannels
from spa_auth.browser.frame import ask_in_frame
from spa_auth.browser.messages import Listener
from spa_auth.browser.pause import pause
from spa_auth.browser.popup import open_popup

origin = window.location.origin
for _ in range(20):
    for mode in ("callback_page", "web_message"):
        listener = Listener(state="sAAAA", origin=origin, source=lambda: window, mode=mode)
        window.late()
        listener.close()
    line = WebChannels().open("late", len)
    window.late()
    line.close()
    await pause(0.001)
    try:
        await ask_in_frame(f"{origin}/answers/slow", state="sAAAA", origin=origin, mode="callback_page", timeout=0.01)
    except Exception as error:
        name = error.error
clearInterval(window.flood)
await asyncio.sleep(0.5)
say(name)
done()
"""
    )
    assert journey.said().strip() == "timeout"
    assert journey.page_errors == []
    assert [line for line in journey.console if "destroyed" in line or "never retrieved" in line] == []


SNAPSHOT = """
import {{ loadPyodide }} from "{origin}/dist/pyodide/pyodide.mjs";
const wheel = await (await fetch("{origin}/dist/{wheel}")).arrayBuffer();
const first = await loadPyodide({{ _makeSnapshot: true }});
first.runPython("import random; random.seed(7)");
const _loadSnapshot = first.makeMemorySnapshot();
const said = [];
for (let round = 0; round < 2; round++) {{
    const pyodide = await loadPyodide({{ _loadSnapshot }});
    pyodide.unpackArchive(wheel, "wheel");
    said.push(await pyodide.runPythonAsync(`
import random
from spa_auth.browser.crypto import WebCrypto
f"{{random.random()}} {{WebCrypto().random(32).hex()}}"
    `));
}}
postMessage(said);
"""


def test_two_pages_from_one_snapshot_of_memory_have_no_random_number_in_common(journey: Journey) -> None:
    """S14: what Python's own generator gives is the same in both, which shows that the snapshot was used."""
    page, servers = journey.page, journey.servers
    page.goto(f"{servers.origin}/callback.html")
    source = SNAPSHOT.format(origin=servers.origin, wheel=servers.lab.wheel)
    first, second = page.evaluate(
        """(address) => new Promise((done, failed) => {
            const worker = new Worker(address, {type: 'module'});
            worker.onmessage = (event) => done(event.data);
            worker.onerror = (event) => failed(new Error(event.message));
        })""",
        servers.lab.file("snapshot.mjs", source.encode()),
    )
    (first_number, first_bytes), (second_number, second_bytes) = first.split(), second.split()
    assert first_number == second_number
    assert len(first_bytes) == 64
    assert first_bytes != second_bytes


LOGOUTS = """({victim, client}) => {
    for (const data of [
        'logout', {type: 'logout'}, {type: 'spa_auth:logout'}, {v: 1, type: 'logout', reason: 'logout'},
        {type: 'spa_auth:session', reason: 'logout', client_id: client},
        {type: 'spa_auth:hello', id: 'x', client_id: ''},
    ]) window.victim.postMessage(data, '*');
}"""


def test_no_page_of_another_origin_logs_out(journey: Journey) -> None:
    """L06: neither one that opened this page, nor a frame in it."""
    page, servers = journey.page, journey.servers
    journey.log_in()
    attacker = page.context.new_page()
    attacker.goto(f"{servers.foreign}/")
    with attacker.expect_popup() as popup:
        attacker.evaluate("(url) => { window.victim = window.open(url) }", servers.lab.page(STAYS))
    victim = popup.value
    victim.locator("#out", has_text="ready").wait_for()
    attacker.evaluate(LOGOUTS, {"client": "demo"})
    victim.evaluate(
        """(url) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = done;
            frame.src = url;
            document.body.append(frame);
        })""",
        f"{servers.foreign}/",
    )
    (frame,) = [each for each in victim.frames if each.url.startswith(servers.foreign)]
    frame.evaluate("window.victim = parent")
    frame.evaluate(LOGOUTS, {"client": "demo"})
    victim.click("#go")
    out = victim.locator("#out[data-done]")
    out.wait_for(state="attached")
    assert (out.text_content() or "").splitlines() == ["ready Alice Archer", "Alice Archer True"]
    assert servers.provider.journal.of("GET", "/oidc/logout") == []


STAYS = (
    START
    + """
auth = await create_auth_client()
say("ready", auth.user.name)

@when("click", "#go")
async def go(event):
    await asyncio.sleep(0.2)
    say(auth.user and auth.user.name, bool(await auth.get_token_silently()))
    done()
"""
)
