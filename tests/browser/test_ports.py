"""Fetch, WebCrypto and the platform, each against the real thing."""

import json
from typing import Any

import pytest
from browser.journey import START, Journey
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

SEND = (
    START
    + """
from spa_auth.browser import browser_platform
from spa_auth.protocol.http import Request

transport = browser_platform().transport

async def send(request, timeout=5, max_bytes=1_048_576):
    try:
        response = await transport.send(request, timeout=timeout, max_bytes=max_bytes)
    except Exception as error:
        say(error.error, getattr(error, "reason", ""), "secret" in str(error))
    else:
        say(response.status, response.header("content-type"), response.body.decode())
"""
)


def test_requests_go_without_cookies_referrer_or_redirects_and_end(journey: Journey) -> None:
    """K01, F05: a redirect is refused; K23, K24: size and time have an end; K25: nothing extra is sent."""
    page, origin = journey.page, journey.servers.origin
    page.context.add_cookies([{"name": "a", "value": "b", "url": origin}])
    journey.run(
        SEND
        + """
await send(Request("POST", "ORIGIN/answers/echo?secret", (("X-Test", "1"),), "body ü".encode()))
for status in (301, 302, 303, 307, 308):
    await send(Request("POST", f"ORIGIN/answers/{status}?secret", (), b"code"))
await send(Request("GET", "ORIGIN/answers/large?secret"))
await send(Request("GET", "ORIGIN/answers/slow?secret"), timeout=1)
await send(Request("GET", "ORIGIN/answers/204"))
await send(Request("GET", "https://127.0.0.1:1/?secret"))
await send(Request("GET", "ORIGIN/answers/echo?secret", (("Bad Name", "x"),)))
done()
""".replace("ORIGIN", origin)
    )
    echoed, *failures = journey.said().splitlines()
    status, media_type, body = echoed.split(" ", 2)
    assert (status, media_type) == ("200", "application/json")
    assert json.loads(body) == {
        "method": "POST",
        "body": "body ü",
        "headers": {"cookie": None, "referer": None, "x-test": "1", "cache-control": "no-cache"},
    }
    assert failures == [
        *["redirect_forbidden  False"] * 5,
        "response_too_large  False",
        "network_error timeout False",
        "204 None ",
        "network_error unreachable False",
        "invalid_configuration  False",
    ]


SIGNED = [
    *[(alg, RSAKey, 2048) for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")],
    ("ES256", ECKey, "P-256"),
    ("ES384", ECKey, "P-384"),
    ("ES512", ECKey, "P-521"),
    ("Ed25519", OKPKey, "Ed25519"),
    ("EdDSA", OKPKey, "Ed25519"),
]


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_signatures_of_every_algorithm_are_told_from_false_ones(journey: Journey) -> None:
    journey.run(
        START
        + """
import base64
from spa_auth.browser.crypto import WebCrypto
from spa_auth.protocol.jwk import Key, parse_jwk

crypto = WebCrypto()
say(len(crypto.random(32)), len({crypto.random(32) for _ in range(9)}))
for case in CASES:
    key, alg, text = parse_jwk(case["jwk"]), case["alg"], case["text"].encode()
    signature = base64.urlsafe_b64decode(case["signature"] + "==")
    say(alg, *[await crypto.verify(*call) for call in (
        (alg, key, text, signature),
        (alg, key, text, signature),
        (alg, key, text + b" ", signature),
        (alg, key, text, bytes(len(signature))),
        (alg, key, text, b""),
        ("ES256" if alg != "ES256" else "RS256", key, text, signature),
        (alg, Key({**key.jwk, "n": "AQ", "x": "AQ"}, None, None), text, signature),
    )])
done()
""".replace("CASES", repr([_signed(*case) for case in SIGNED]))
    )
    first, *lines = journey.said().splitlines()
    assert first == "32 9"
    assert lines == [f"{alg} True True False False False False False" for alg, _, _ in SIGNED]


def _signed(alg: str, kind: Any, size: Any) -> dict[str, object]:  # noqa: ANN401
    key = kind.generate_key(size, private=True)
    compact = jws.serialize_compact({"alg": alg}, b"payload", key, algorithms=[alg])
    text, _, signature = compact.rpartition(".")
    return {"alg": alg, "jwk": key.as_dict(private=False), "text": text, "signature": signature}


def test_a_worker_has_no_window_and_says_so(journey: Journey) -> None:
    """Raw Pyodide in a worker, without PyScript: the ports that it lacks are None, a login needs `open_url`."""
    page, servers = journey.page, journey.servers
    page.goto(f"{servers.origin}/callback.html")
    wheel = servers.lab.wheel
    source = f"""
        import {{ loadPyodide }} from "{servers.origin}/dist/pyodide/pyodide.mjs";
        const pyodide = await loadPyodide();
        const wheel = await (await fetch("{servers.origin}/dist/{wheel}")).arrayBuffer();
        pyodide.unpackArchive(wheel, "wheel");
        postMessage(await pyodide.runPythonAsync(`
from spa_auth.browser import browser_platform, create_auth_client
platform = browser_platform()
auth = await create_auth_client(
    issuer="{servers.provider.issuer}", client_id="demo", redirect_uri="{servers.origin}/callback.html"
)
words = [platform.navigator is None, platform.session_storage is None, auth.user is None]
try:
    await auth.login_with_redirect()
except Exception as error:
    words.append(error.error)
opened = []
await auth.login_with_redirect(open_url=opened.append)
words.append("code_challenge=" in opened[0])
try:
    await create_auth_client()
except Exception as error:
    words.append(error.error)
str(words)
        `));
    """
    said = page.evaluate(
        """(address) => new Promise((done, failed) => {
            const worker = new Worker(address, {type: 'module'});
            worker.onmessage = (event) => done(event.data);
            worker.onerror = (event) => failed(new Error(event.message));
        })""",
        servers.lab.file("worker.mjs", source.encode()),
    )
    assert said == "[True, True, True, 'navigation_unavailable', True, 'invalid_configuration']"
