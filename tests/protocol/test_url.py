from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from timing import grows_linearly

from spa_auth.errors import ProtocolError
from spa_auth.protocol.url import URL, origin_of, parse_url, safe_return_to, secure_url, with_query

PAGE = "https://app.example/notes?page=2"
ORIGIN = "https://app.example"

ambiguous = st.text("htps:/\\@?#[]%.-_0127axelocmfF\t\n \u3002\uff0f", max_size=30)
urls = st.one_of(
    st.text(),
    ambiguous,
    ambiguous.map(lambda text: "https://" + text),
    st.from_regex(r"https?://[a-z0-9.\-\[\]:]{1,20}(/[!-~]{0,10})?", fullmatch=True),
)


@given(urls)
@example("https://[::1")
@example("https://[::::]/")
@example("https://[1:2]/")
@example("http://a:0/")
def test_k02_m02_a_url_is_read_as_urllib_reads_it_or_refused(text: str) -> None:
    try:
        url = parse_url(text)
    except ProtocolError:
        return
    parts = urlsplit(text)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    assert (url.scheme, url.host) == (parts.scheme, host)
    assert url.port == (None if parts.port == default else parts.port)
    assert (url.path, url.query, url.fragment) == (parts.path or "/", parts.query, parts.fragment)
    assert parts.username is None
    assert parse_url(url.origin).origin == url.origin


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.example", URL("https", "a.example", None, "/", "", "")),
        ("HTTPS://A.Example:443/B?c=d#e", URL("https", "a.example", None, "/B", "c=d", "e")),
        ("http://localhost:8080/", URL("http", "localhost", 8080, "/", "", "")),
        ("https://a.example:80/", URL("https", "a.example", 80, "/", "", "")),
        ("http://[::1]:9400/x", URL("http", "[::1]", 9400, "/x", "", "")),
        ("https://[2001:DB8::7]/", URL("https", "[2001:db8::7]", None, "/", "", "")),
        ("https://[1:2:3:4:5:6:7:8]/", URL("https", "[1:2:3:4:5:6:7:8]", None, "/", "", "")),
        ("https://xn--bcher-kva.example/%7Ea", URL("https", "xn--bcher-kva.example", None, "/%7Ea", "", "")),
        ("https://a_b.example/", URL("https", "a_b.example", None, "/", "", "")),
        ("https://a.example/?q=\\", URL("https", "a.example", None, "/", "q=\\", "")),
    ],
)
def test_a_plain_url_is_taken_apart(text: str, url: URL) -> None:
    assert parse_url(text) == url


REFUSED = [
    "",
    "a.example",
    "//a.example/",
    "/path",
    "https:a.example",
    "https:/a.example",
    "https:///a.example",
    "https:\\\\a.example",
    "https://a.example\\@b.example/",
    "https://b.example\\",
    "https://user@a.example/",
    "https://user:password@a.example/",
    "http://localhost:80@evil.example/",
    "https://@a.example/",
    "https://a.example:/",
    "https://a.example:65536/",
    "https://a.example:123456/",
    "https://a.example:-1/",
    "https://a.example:8o/",
    "https://a.exa mple/",
    "https://a.example/\t",
    "\thttps://a.example/",
    "https://a.example/\n",
    "https://a.\texample/",
    "https://a.example/ ",
    "https://bücher.example/",
    "https://a\u3002example/",
    "https://a.example\uff0fb/",
    "https://a%2eexample/",
    "https://a..example/",
    "https://.a.example/",
    "https://a.example./",
    "https://-a.example/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://017700000001/",
    "https://127.0.0.01/",
    "https://256.0.0.1/",
    "https://1.2.3.4.5/",
    "https://a.0x1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://[:::]/",
    "https://[::1::]/",
    "https://[1:2:3]/",
    "https://[1:2:3:4:5:6:7:8:9]/",
    "https://[1:2:3:4::5:6:7:8]/",
    "https://[12345::]/",
    "https://[]/",
    "https://[v1.x]/",
    "javascript:alert(1)",
    "javascript://a.example/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://a.example/",
    "blob:https://a.example/x",
    "https://a.example/<",
    "https://a.example/`",
    'https://a.example/"',
    "https://a.example/ä",
    "https://a.example/\ud800",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a25_f02_k02_m02_m03_what_parsers_read_differently_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_url(text)
    assert caught.value.error == "invalid_url"
    with pytest.raises(ProtocolError):
        secure_url(text)
    assert safe_return_to(text, PAGE, "/default") in ("/default", text)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://a.example/x", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("https://A.EXAMPLE:8443/", "https://a.example:8443"),
        ("https://a.example:0/", "https://a.example:0"),
        ("https://a.example:65535/", "https://a.example:65535"),
        ("https://a.example:00443/", "https://a.example"),
    ],
)
def test_f01_the_origin_is_scheme_host_and_port_as_a_browser_writes_them(text: str, origin: str) -> None:
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    "text",
    ["https://a.example/", "http://localhost/", "http://127.0.0.1:9400/", "http://127.255.255.254/", "http://[::1]:1/"],
)
def test_https_and_loopback_are_secure(text: str) -> None:
    assert secure_url(text).is_secure


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://128.0.0.1/",
        "http://0.0.0.0/",
        "http://169.254.169.254/",
        "http://[::2]/",
        "http://[0:0:0:0:0:0:0:1]/",
    ],
)
def test_f04_k02_http_to_another_machine_is_refused_and_the_remedy_says_https(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        secure_url(text)
    assert caught.value.error == "insecure_transport"
    assert caught.value.remedy.startswith("Use https://")


def test_the_repr_shows_neither_query_nor_fragment() -> None:
    assert repr(parse_url("https://a.example/b?CANARY#CANARY")) == "<URL https://a.example/b>"


SAFE = [
    "/",
    "/notes",
    "/notes?page=2&q=a%20b#top",
    "/?next=//evil.example",
    "/#/route?x=1",
    "/a//b",
    "/.well-known/x",
    "/a/.../b",
    "/%2f%2fevil.example",
    "/@evil.example",
    "/:80",
]


@pytest.mark.parametrize("path", SAFE)
def test_a25_a_path_of_this_origin_is_kept(path: str) -> None:
    assert safe_return_to(path, PAGE) == path
    assert safe_return_to(ORIGIN + path, PAGE) == path
    assert safe_return_to("HTTPS://APP.example:443" + path, PAGE) == path


UNSAFE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "https://evil.example/",
    "https://app.example.evil.example/",
    "https://app.example@evil.example/",
    "https://app.example:444/",
    "http://app.example/",
    "https://app.example//evil.example",
    "https://app.example/..//evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/a/%2E%2e//evil.example",
    "/a/..",
    "/%2e",
    "javascript:alert(1)",
    "data:text/html,x",
    " /notes",
    "/notes ",
    "notes",
    "?x",
    "#x",
    "",
    "/ä",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\ud800",
    "/x" + "\x00",
]


@pytest.mark.parametrize("address", UNSAFE)
def test_a25_any_other_address_becomes_the_default(address: str) -> None:
    assert safe_return_to(address, PAGE) == "/"
    assert safe_return_to(address, PAGE, "/home") == "/home"


@given(st.one_of(urls, ambiguous.map(lambda text: "/" + text), ambiguous.map(lambda text: ORIGIN + text)))
def test_a25_whatever_is_asked_the_way_back_stays_in_the_origin(candidate: str) -> None:
    result = safe_return_to(candidate, PAGE)
    resolved = urlsplit(urljoin(PAGE, result))
    assert (resolved.scheme, resolved.netloc) == ("https", "app.example")
    assert result.startswith("/")
    assert not resolved.path.startswith("//")
    assert safe_return_to(result, PAGE) == result


@given(st.text())
def test_a25_without_a_readable_page_address_there_is_only_the_default(base_url: str) -> None:
    assert safe_return_to("https://evil.example/", base_url, "/home") == "/home"
    assert safe_return_to("/x", "about:blank", "/home") == "/home"


@pytest.mark.parametrize(
    ("url", "query", "whole"),
    [
        ("https://a.example/x", "b=1", "https://a.example/x?b=1"),
        ("https://a.example/x?a=1", "b=1", "https://a.example/x?a=1&b=1"),
        ("https://a.example/x?a=1#c", "b=1", "https://a.example/x?a=1&b=1#c"),
        ("https://a.example/x#c?d", "b=1", "https://a.example/x?b=1#c?d"),
        ("https://a.example/x", "", "https://a.example/x"),
    ],
)
def test_a_query_is_added_in_front_of_the_fragment(url: str, query: str, whole: str) -> None:
    assert with_query(url, query) == whole


@pytest.mark.parametrize("unit", ["a", "a.", "1.", "a-", ":", "/", "[", "%2e", "/.", "?", "#", "0x", "@"])
@pytest.mark.parametrize("end", ["", "^", " "])
def test_addresses_are_read_in_linear_time(unit: str, end: str) -> None:
    def read(size: int) -> None:
        safe_return_to("https://a" + unit * size + end, PAGE)
        safe_return_to("https://[" + unit * size + end, PAGE)
        safe_return_to("/" + unit * size + end, PAGE)

    assert grows_linearly(read, 10_000)
