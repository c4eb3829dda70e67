import pytest

from spa_auth.errors import ProtocolError
from spa_auth.protocol.http import Request, Response, header_values, refuse_redirect

HEADERS = (("Accept", "a"), ("X-Twice", "1"), ("x-twice", "2"))


def test_a_header_is_found_whatever_its_case() -> None:
    assert Request("GET", "https://a.example/", HEADERS).header("ACCEPT") == "a"
    assert Response(200, HEADERS).header("accept") == "a"
    assert Response(200).header("accept") is None


def test_fields_of_one_name_are_joined_or_listed() -> None:
    assert Response(200, HEADERS).header("X-Twice") == "1, 2"
    assert header_values(HEADERS, "x-TWICE") == ["1", "2"]


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        (None, ""),
        ("application/json", "application/json"),
        ("Application/JSON ; charset=utf-8", "application/json"),
        ("", ""),
    ],
)
def test_the_media_type_has_no_parameters_and_no_case(content_type: str | None, media_type: str) -> None:
    headers = () if content_type is None else (("content-type", content_type),)
    assert Response(200, headers).media_type == media_type


def test_the_reprs_show_neither_query_nor_fragment_nor_headers_nor_body() -> None:
    """S06: what is printed by accident holds no secret."""
    request = Request("GET", "https://a.example/b?code=CANARY#CANARY?x", (("Authorization", "CANARY"),), b"CANARY")
    assert repr(request) == "<Request GET https://a.example/b>"
    assert repr(request._replace(url="https://a.example/#CANARY")) == "<Request GET https://a.example/>"
    assert repr(Response(200, (("A", "CANARY"),), b"CANARY", "https://CANARY/")) == "<Response 200>"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_k01_m02_a_redirect_of_an_endpoint_is_refused(status: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        refuse_redirect(Response(status))
    assert caught.value.error == "redirect_forbidden"


@pytest.mark.parametrize("status", [200, 299, 400, 500])
def test_any_other_status_is_no_redirect(status: int) -> None:
    refuse_redirect(Response(status))
