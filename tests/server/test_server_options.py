import pytest

from spa_auth.errors import ConfigurationError
from spa_auth.server import AccessTokenValidator, ValidatorOptions

GOOD: dict[str, object] = {"issuer": "https://id.example/", "audience": "https://api.example"}


def faults(**options: object) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        AccessTokenValidator(**options)  # type: ignore[arg-type]
    return raised.value.faults


def test_the_defaults_are_those_that_are_documented() -> None:
    options = ValidatorOptions(issuer="https://id.example/", audience="https://api.example")
    assert options.clock_skew == 0
    assert options.clock_tolerance == 60
    assert options.jwks_cache_duration == 300
    assert options.max_token_length == 16384
    assert options.response_timeout == 10
    assert {"RS256", "PS256", "ES256", "EdDSA", "RS512", "PS384", "ES384"} <= options.accepted_algorithms


def test_every_fault_is_named_at_once() -> None:
    found = faults(
        issuer="http://id.example/?a=1",
        tenant_domain="https://other.example/",
        audience=["", 1],
        clock_tolerance=301,
        algorithms=["RS256", "HS256"],
        max_token_length=100_000,
        response_timeout=0,
    )
    assert len(found) == 8
    text = " ".join(found)
    for word in ("tenant_domain", "id.example is not encrypted", "query", "audience", "clock_tolerance", "'HS256'",
                 "max_token_length", "response_timeout"):  # fmt: skip
        assert word in text


def test_issuer_and_audience_have_to_be_given() -> None:
    assert [fault.split()[0] for fault in faults()] == ["issuer", "audience"]


def test_tenant_domain_is_a_second_name_of_issuer() -> None:
    options = ValidatorOptions(tenant_domain="https://id.example/", audience="a")
    assert options.issuer == "https://id.example/"
    assert ValidatorOptions(issuer="https://i.example", tenant_domain="https://i.example", audience="a").issuer


@pytest.mark.parametrize("audience", [(), [], [""], " ", 5, None, b"https://api.example"])
def test_an_audience_is_a_text_or_several(audience: object) -> None:
    assert all("audience" in fault for fault in faults(**{**GOOD, "audience": audience}))


def test_several_audiences_can_be_accepted() -> None:
    assert ValidatorOptions(issuer="https://id.example", audience=["a", "b"]).audiences == ("a", "b")


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "hs256", "rs256", "RS1", "ES256K", "", "dir"])
def test_j01_j02_only_asymmetric_algorithms_can_be_allowed(algorithm: str) -> None:
    [fault] = faults(**GOOD, algorithms=[algorithm])
    assert fault.startswith("algorithms cannot have")


def test_no_algorithm_at_all_is_a_fault() -> None:
    assert faults(**GOOD, algorithms=()) == ("algorithms must name at least one algorithm.",)


@pytest.mark.parametrize("tolerance", [-1, 301, float("nan"), float("inf"), "60", True, None])
def test_v14_a_tolerance_that_is_negative_or_huge_is_refused(tolerance: object) -> None:
    [fault] = faults(**GOOD, clock_tolerance=tolerance)
    assert fault.startswith("clock_tolerance must be")


@pytest.mark.parametrize("name", ["clock_skew", "jwks_cache_duration", "response_timeout", "max_token_length"])
def test_durations_and_lengths_are_numbers(name: str) -> None:
    assert faults(**GOOD, **{name: "10"}) == (f"{name} must be a number.",)


@pytest.mark.parametrize(
    "issuer",
    ["http://id.example", "ftp://id.example", "file:///etc/passwd", "data:,x", "id.example", "https://a@b/", 5],
)
def test_m02_an_issuer_is_an_https_url(issuer: object) -> None:
    assert faults(**{**GOOD, "issuer": issuer})


def test_o03_a_provider_on_this_machine_is_accepted_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    AccessTokenValidator(issuer="http://127.0.0.1:9400/", audience="a")
    [record] = caplog.records
    assert (record.name, record.levelname) == ("spa_auth.server", "WARNING")
    assert "http://127.0.0.1:9400/" in record.getMessage()


def test_a_provider_elsewhere_is_accepted_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    AccessTokenValidator(**GOOD)  # type: ignore[arg-type]
    assert not caplog.records


def test_v28_no_option_switches_a_check_off() -> None:
    names = set(ValidatorOptions.__dataclass_fields__)
    assert names == {
        "issuer", "tenant_domain", "audience", "clock_skew", "clock_tolerance", "algorithms", "jwks_cache_duration",
        "max_token_length", "response_timeout",
    }  # fmt: skip


def test_an_option_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="isuer"):
        AccessTokenValidator(isuer="https://id.example/")
