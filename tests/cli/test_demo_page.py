"""The web server of the demo's page."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from spa_auth.cli.checkout import Checkout
from spa_auth.cli.demo_page import Addresses, content_security_policy, demo_page

ADDRESSES = Addresses(issuer="http://127.0.0.1:1/", api="http://127.0.0.1:2/")
CONFIGURATION = {
    "interpreter": "/dist/pyodide/pyodide.mjs",
    "spa_auth": {"issuer": "http://127.0.0.1:9400/", "client_id": "demo", "audience": "https://api.example"},
}
FILES = {
    "web/callback.html": "callback",
    "web/callback.js": "// callback",
    "web/gate.js": "// gate",
    "web/spa_auth.css": "/* styles */",
    "web/dist/pyodide/pyodide.mjs": "// pyodide",
    "web/dist/pyodide/pyodide.asm.wasm": "wasm",
    "web/dist/x-py3-none-any.whl": "wheel",
    "web/examples/demo/index.html": "page",
    "web/examples/demo/main.py": "python",
    "web/examples/demo/pyscript.json": json.dumps(CONFIGURATION),
    "web/node_modules/@pyscript/core/dist/core.js": "// pyscript",
    "web/secret.txt": "not served",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Checkout(tmp_path)


def get(checkout: Checkout, path: str, **headers: str) -> httpx.Response:
    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(app=demo_page(checkout, ADDRESSES, host="127.0.0.2"))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.2:9401") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(one())


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/main.py", "text/x-python"),
        ("/callback.html", "text/html"),
        ("/callback.js", "text/javascript"),
        ("/gate.js", "text/javascript"),
        ("/spa_auth.css", "text/css"),
        ("/pyscript/core.js", "text/javascript"),
        ("/dist/pyodide/pyodide.mjs", "text/javascript"),
        ("/dist/pyodide/pyodide.asm.wasm", "application/wasm"),
        ("/dist/x-py3-none-any.whl", "application/zip"),
    ],
)
def test_every_file_has_the_type_that_browsers_insist_on(checkout: Checkout, path: str, media_type: str) -> None:
    answer = get(checkout, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media_type


@pytest.mark.parametrize(
    "path", ["/dist/", "/pyscript/", "/secret.txt", "/dist/../secret.txt", "/dist/%2e%2e/secret.txt"]
)
def test_nothing_is_listed_and_nothing_else_is_served(checkout: Checkout, path: str) -> None:
    assert get(checkout, path).status_code == 404


def test_the_configuration_follows_the_ports_and_keeps_the_rest(checkout: Checkout) -> None:
    answer = get(checkout, "/pyscript.json").json()
    assert answer["interpreter"] == CONFIGURATION["interpreter"]
    assert answer["spa_auth"] == {
        "issuer": ADDRESSES.issuer,
        "client_id": "demo",
        "audience": "https://api.example",
        "base_url": ADDRESSES.api,
    }


def test_an_unchanged_file_is_not_sent_twice_and_a_changed_one_is(checkout: Checkout) -> None:
    first = get(checkout, "/main.py")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    assert get(checkout, "/main.py", **{"if-none-match": tag}).status_code == 304
    (checkout.demo / "main.py").write_text("edited python", encoding="utf-8")
    assert get(checkout, "/main.py", **{"if-none-match": tag}).status_code == 200


def test_the_policy_lets_no_text_run_and_no_stranger_be_talked_to(checkout: Checkout) -> None:
    policy = get(checkout, "/").headers["content-security-policy"]
    assert policy == content_security_policy(ADDRESSES)
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "connect-src 'self' http://127.0.0.1:1 http://127.0.0.1:2;" in policy
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy


def test_a_name_that_was_rebound_to_this_machine_gets_nothing(checkout: Checkout) -> None:
    """O01: the Host header must be of this machine."""
    assert get(checkout, "/", host="rebound.example").status_code == 400
    assert get(checkout, "/", host="localhost:9401").status_code == 200
    assert get(checkout, "/", host="127.0.0.2:9401").status_code == 200
    assert get(checkout, "/", host="127.0.0.1:9401").status_code == 400
