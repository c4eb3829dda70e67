"""The token cache: exact audiences, scopes that cover, and an age that is told by its own clock."""

from hypothesis import given
from hypothesis import strategies as st

from spa_auth.client.cache import MIN_INTERVAL, Entry, TokenCache
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.token import TokenSet

AUDIENCES = st.one_of(st.none(), st.sampled_from(["a", "a::b", "a::b::openid", "A", "", "default", "a b", "https://a"]))
SCOPES = st.lists(st.sampled_from(["openid", "b", "b::c", "c", "default", "read:a"]), max_size=4).map(Scope)


def entry(audience: str | None, asked: Scope, *, name: str = "t", received_at: float = 0, lifetime: int = 600) -> Entry:
    """Tokens that came at a time."""
    tokens = TokenSet(name, "Bearer", int(received_at) + lifetime, asked, audience, f"refresh-{name}")
    return Entry(tokens, asked, received_at)


@given(st.lists(st.tuples(AUDIENCES, SCOPES), max_size=12), AUDIENCES, SCOPES)
def test_what_is_found_was_asked_for_that_audience_and_that_scope(
    puts: list[tuple[str | None, Scope]], audience: str | None, scope: Scope
) -> None:
    """R17: property test over keys that would collide as joined texts."""
    cache = TokenCache()
    for number, (each, asked) in enumerate(puts):
        cache.put(entry(each, asked, name=f"t{number}"))
    found = cache.find(audience, scope)
    fitting = [number for number, (each, asked) in enumerate(puts) if each == audience and set(scope) <= set(asked)]
    assert (found is None) == (not fitting)
    if found is not None:
        assert found.tokens.audience == audience
        assert set(scope) <= set(found.asked)
        assert found.tokens.access_token == f"t{fitting[-1]}"
    cache.clear()
    assert cache.find(audience, scope) is None


def test_the_latest_tokens_take_the_place_of_those_that_they_cover() -> None:
    cache = TokenCache()
    cache.put(entry("a", Scope("openid"), name="narrow"))
    cache.put(entry("b", Scope("openid"), name="other"))
    cache.put(entry("a", Scope("openid b"), name="wide"))
    assert len(cache._entries) == 2
    found = cache.find("a", Scope("openid"))
    assert found is not None
    assert found.tokens.access_token == "wide"


@given(st.floats(-1000, 2000), st.floats(0, 300), st.integers(0, 1000))
def test_fresh_is_what_lasts_the_margin_or_a_quarter_of_its_life(age: float, early: float, lifetime: int) -> None:
    """R12, R13."""
    tokens = entry("a", Scope("openid"), received_at=1000, lifetime=lifetime)
    now = 1000 + age
    assert tokens.is_fresh(now, early) == (now >= 1000 and now + min(early, lifetime / 4) < 1000 + lifetime)
    assert tokens.is_young(now) == (0 <= now - 1000 < MIN_INTERVAL)


def test_postponed_tokens_begin_the_rest_of_their_life() -> None:
    cache = TokenCache()
    old, other = entry("a", Scope("openid"), lifetime=100), entry("b", Scope("openid"))
    cache.put(old)
    cache.put(other)
    cache.postpone(old, 60)
    found = cache.find("a", Scope("openid"))
    assert found is not None
    assert found.received_at == 60
    assert found.is_fresh(89, 60)
    assert not found.is_fresh(91, 60)
    assert cache.find("b", Scope("openid")) is other
