import json

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import json_answer
from token_factory import ISSUER

from spa_auth.errors import ConfigurationError, DiscoveryError, ProtocolError
from spa_auth.protocol.metadata import (
    MAX_BYTES,
    ServerMetadata,
    check_tenants,
    metadata_request,
    parse_metadata,
    parse_metadata_response,
)

ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
)
LISTS = (
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "id_token_signing_alg_values_supported",
    "claims_supported",
    "response_modes_supported",
    "grant_types_supported",
)
TENANTS = ("tenant-1", "tenant-2")
TEMPLATE = "https://login.example/{tenantid}/v2.0"
COMMON = "https://login.example/common/v2.0"
DOCUMENT: dict[str, object] = {
    "issuer": ISSUER,
    **{name: f"https://id.example/{name}" for name in ENDPOINTS},
    **{name: ["a", "b"] for name in LISTS},
    "authorization_response_iss_parameter_supported": True,
    "require_pushed_authorization_requests": True,
    "code_challenge_methods_supported": ["plain"],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("issuer", "address"),
    [
        ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/a/b", "https://id.example/a/b/.well-known/openid-configuration"),
        ("http://127.0.0.1:9400/", "http://127.0.0.1:9400/.well-known/openid-configuration"),
    ],
)
def test_the_document_is_under_the_issuer(issuer: str, address: str) -> None:
    assert metadata_request(issuer).url == address


@pytest.mark.parametrize(
    ("issuer", "error"),
    [
        ("http://id.example/", "insecure_transport"),
        ("http://169.254.169.254/", "insecure_transport"),
        ("file:///etc/passwd", "invalid_url"),
        ("data:,x", "invalid_url"),
        ("ftp://id.example/", "invalid_url"),
        ("https://127.1/", "invalid_url"),
        ("https://2130706433/", "invalid_url"),
        ("https://[::ffff:7f00:1", "invalid_url"),
        ("https://id.example/?x", "invalid_url"),
        ("https://id.example/?", "invalid_url"),
        ("https://id.example/#x", "invalid_url"),
        ("id.example", "invalid_url"),
        ("", "invalid_url"),
    ],
)
def test_m02_m03_an_issuer_that_is_no_safe_address_is_not_asked(issuer: str, error: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        metadata_request(issuer)
    assert caught.value.error == error


def test_a_document_is_read() -> None:
    server = parse_metadata_response(json_answer(DOCUMENT), ISSUER)
    assert server.issuer == ISSUER
    assert [server.endpoint(name) for name in ENDPOINTS] == [f"https://id.example/{name}" for name in ENDPOINTS]
    assert [getattr(server, name) for name in LISTS] == [("a", "b")] * len(LISTS)
    assert server.authorization_response_iss_parameter_supported
    assert server.require_pushed_authorization_requests
    assert (server.issuer_template, server.tenants) == (None, ())


def test_members_may_be_missing_until_they_are_needed() -> None:
    server = parse_metadata({"issuer": ISSUER, "jwks_uri": None, "scopes_supported": None}, ISSUER)
    assert server == ServerMetadata(ISSUER)
    with pytest.raises(DiscoveryError) as caught:
        server.endpoint("token_endpoint")
    assert caught.value.claim == "token_endpoint"
    assert "token_endpoint" in caught.value.remedy


@pytest.mark.parametrize(("methods", "accepts"), [(None, False), ((), False), (("client_secret_basic", "none"), True)])
def test_a_provider_lists_whether_it_takes_public_clients(methods: tuple[str, ...] | None, accepts: bool) -> None:
    assert ServerMetadata(ISSUER, token_endpoint_auth_methods_supported=methods).accepts_public_clients is accepts


@pytest.mark.parametrize(
    "found",
    [
        "https://id.example",
        "https://id.example//",
        "https://ID.example/",
        "http://id.example/",
        "https://id.example:443/",
        "https://id.example/x",
        "https://evil.example/",
        "https://id.example.evil.example/",
        " https://id.example/",
        "",
        None,
        1,
        [ISSUER],
        {},
        "javascript:alert(1)",
        "https://id.example/" + "x" * 4000,
    ],
)
def test_m01_another_issuer_is_refused_and_only_an_address_is_repeated(found: object) -> None:
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata({**DOCUMENT, "issuer": found}, ISSUER)
    assert (caught.value.error, caught.value.claim) == ("discovery_error", "issuer")
    repeats = isinstance(found, str) and found.startswith("https://") and len(found) < 2048
    assert caught.value.remedy == (f'Set "issuer" to exactly "{found}".' if repeats else "")


def test_m01_a_document_without_issuer_is_refused() -> None:
    with pytest.raises(DiscoveryError):
        parse_metadata({}, ISSUER)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://id.example/x",
        "http://localhost:80@evil.example/",
        "//id.example/x",
        "/x",
        "",
        "https://id.example/" + "x" * 2048,
        1,
        True,
        [],
        {},
        ["https://id.example/"],
    ],
)
def test_a27_k02_m07_an_endpoint_is_a_safe_address_or_the_document_is_refused(name: str, value: object) -> None:
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata({**DOCUMENT, name: value}, ISSUER)
    assert (caught.value.error, caught.value.claim) == ("discovery_error", name)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_m05_an_endpoint_may_be_on_another_host_but_over_https_only(name: str) -> None:
    """Large providers have theirs on several hosts. What the document says is theirs to say, as it came by https."""
    document = {**DOCUMENT, name: f"https://tokens.example/{name}"}
    assert parse_metadata(document, ISSUER).endpoint(name) == f"https://tokens.example/{name}"
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata({**DOCUMENT, name: f"http://tokens.example/{name}"}, ISSUER)
    assert caught.value.claim == name


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("value", ["RS256", 1, {}, [1], ["a", None], [["a"]], True])
def test_m07_a_list_is_a_list_of_texts(name: str, value: object) -> None:
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata({**DOCUMENT, name: value}, ISSUER)
    assert caught.value.claim == name


@pytest.mark.parametrize("value", [None, 1, "true", [], False])
def test_only_true_announces_the_issuer_parameter(value: object) -> None:
    document = {**DOCUMENT, "authorization_response_iss_parameter_supported": value}
    assert parse_metadata(document, ISSUER).authorization_response_iss_parameter_supported is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[]",
        b"null",
        b'{"issuer":"https://id.example/","issuer":"https://id.example/"}',
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b"{" + b" " * MAX_BYTES + b"}",
        json.dumps(DOCUMENT).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode(),
    ],
)
def test_m06_what_is_no_strict_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(DiscoveryError):
        parse_metadata_response(json_answer(body), ISSUER)


@pytest.mark.parametrize("status", [201, 204, 404, 500, 503])
def test_only_status_200_is_a_document_and_the_remedy_names_its_address(status: int) -> None:
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata_response(json_answer(DOCUMENT, status), ISSUER)
    assert "https://id.example/.well-known/openid-configuration" in caught.value.remedy


@pytest.mark.parametrize("status", [301, 302, 307])
def test_m02_a_redirect_is_not_followed(status: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_metadata_response(json_answer(DOCUMENT, status), ISSUER)
    assert caught.value.error == "redirect_forbidden"


@given(
    st.one_of(
        st.binary(),
        st.dictionaries(st.sampled_from(sorted(DOCUMENT)), json_values).map(
            lambda changes: json.dumps({**DOCUMENT, **changes}).encode()
        ),
    )
)
def test_m06_m07_any_document_ends_in_metadata_or_in_one_error(body: bytes) -> None:
    try:
        server = parse_metadata_response(json_answer(body), ISSUER)
    except DiscoveryError:
        return
    assert server.issuer == ISSUER
    assert all(isinstance(getattr(server, name), str | None) for name in ENDPOINTS)
    assert all(isinstance(getattr(server, name), tuple | None) for name in LISTS)


def test_s03_the_error_quotes_nothing_of_a_foreign_document() -> None:
    for body in (f'{{"issuer":"{CANARY}"}}'.encode(), f'{{"{CANARY}'.encode(), f'"{CANARY}\xff'.encode("latin-1")):
        with pytest.raises(DiscoveryError) as caught:
            parse_metadata_response(json_answer(body), ISSUER)
        assert leaks(caught.value) == []


# -- issuers with a tenant in them


@pytest.mark.parametrize(
    ("issuer", "tenants", "address"),
    [
        (COMMON, TENANTS, COMMON),
        (TEMPLATE, TENANTS, COMMON),
        (TEMPLATE, ("tenant-1",), "https://login.example/tenant-1/v2.0"),
    ],
)
def test_with_tenants_discovery_asks_for_one_of_them_or_for_all(
    issuer: str, tenants: tuple[str, ...], address: str
) -> None:
    assert metadata_request(issuer, tenants).url == f"{address}/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("issuer", "tenants", "found", "template"),
    [
        (COMMON, TENANTS, TEMPLATE, TEMPLATE),
        (TEMPLATE, TENANTS, TEMPLATE, TEMPLATE),
        (TEMPLATE, ("tenant-1",), "https://login.example/tenant-1/v2.0", "https://login.example/tenant-1/v2.0"),
        (ISSUER, TENANTS, ISSUER, ISSUER),
    ],
)
def test_a_document_may_have_a_template_for_an_issuer_where_tenants_are_given(
    issuer: str, tenants: tuple[str, ...], found: str, template: str
) -> None:
    server = parse_metadata_response(json_answer({**DOCUMENT, "issuer": found}), issuer, tenants)
    assert (server.issuer, server.issuer_template, server.tenants) == (issuer, template, tenants)


@pytest.mark.parametrize("issuer", [COMMON, "https://login.example/tenant-1/v2.0"])
def test_m01_a_template_is_no_issuer_unless_tenants_are_given(issuer: str) -> None:
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata({**DOCUMENT, "issuer": TEMPLATE}, issuer)
    assert caught.value.claim == "issuer"
    assert "tenants=[...]" in caught.value.remedy


def test_m02_an_issuer_with_a_template_in_it_is_not_asked_without_tenants() -> None:
    with pytest.raises(ProtocolError):
        metadata_request(TEMPLATE)


@pytest.mark.parametrize("tenant", ["", "a/b", "a?b", "a#b", "a b", "..\\b"])
def test_m02_a_tenant_is_no_way_to_another_address(tenant: str) -> None:
    with pytest.raises(ConfigurationError):
        check_tenants([tenant])
    with pytest.raises(ConfigurationError):
        check_tenants([*TENANTS, tenant])


def test_tenants_are_a_list_of_texts() -> None:
    check_tenants(TENANTS)
    check_tenants([])
    for odd in ("tenant-1", [1], [None], None):
        with pytest.raises(ConfigurationError):
            check_tenants(odd)


@pytest.mark.parametrize(
    "found",
    [
        "https://evil.example/{tenantid}/v2.0",
        "https://login.example/{tenantid}/v1.0",
        "https://login.example/{tenantid}",
        "https://login.example/{tenantid}/common/v2.0",
        "https://{tenantid}/v2.0",
        "{tenantid}",
        "https://login.example/common/v2.0{tenantid}",
        "https://login.example/{tenantid}/{tenantid}/v2.0",
        "https://login.example/{tenant}/v2.0",
        "https://login.example/tenant-1/v2.0",
        7,
        None,
    ],
)
def test_m01_a_template_that_the_issuer_does_not_fit_is_anothers(found: object) -> None:
    with pytest.raises(DiscoveryError) as caught:
        parse_metadata({**DOCUMENT, "issuer": found}, COMMON, TENANTS)
    assert caught.value.claim == "issuer"
