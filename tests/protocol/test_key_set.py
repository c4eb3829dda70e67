import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from token_factory import public_jwk

from spa_auth.protocol.jwk import Key, parse_jwk
from spa_auth.protocol.key_set import COOLDOWN, LIFETIME, MAX_STALE, KeySet, Verdict

NOW = 1_800_000_000.0


def key(kid: str | None, alg: str = "RS256", **members: object) -> Key:
    found = parse_jwk(public_jwk(alg, kid=kid, **members))
    assert found is not None
    return found


OLD, NEW, NAMELESS, EC = key("old"), key("new"), key(None), key("ec", "ES256")


def test_m15_keys_that_were_never_fetched_are_fetched() -> None:
    assert KeySet().lookup("old", "RS256", NOW) is Verdict.REFETCH


def test_a_fresh_key_is_found_by_its_id() -> None:
    keys = KeySet().fetched((OLD, NEW, EC), NOW)
    assert keys.lookup("old", "RS256", NOW) == (OLD,)
    assert keys.lookup("ec", "ES256", NOW + LIFETIME - 1) == (EC,)


def test_m13_j03_a_key_that_does_not_fit_the_algorithm_is_not_found() -> None:
    assert KeySet((EC,), NOW, NOW).lookup("ec", "RS256", NOW) is Verdict.UNKNOWN


def test_i20_a_token_without_key_id_is_tried_with_the_few_keys_that_fit() -> None:
    keys = KeySet(tuple(key(f"k{number}") for number in range(9)), NOW)
    found = keys.lookup(None, "RS256", NOW)
    assert isinstance(found, tuple)
    assert len(found) == 4
    assert KeySet((OLD, EC), NOW).lookup(None, "RS256", NOW) == (OLD,)


def test_m14_keys_of_the_same_id_come_before_those_without_one() -> None:
    first, second = key("same"), key("same")
    keys = KeySet((NAMELESS, NAMELESS, NAMELESS, NAMELESS, first, second), NOW)
    assert keys.lookup("same", "RS256", NOW) == (first, second, NAMELESS, NAMELESS)


def test_i21_m16_a_rotated_key_is_looked_for_at_once_though_the_keys_were_just_fetched() -> None:
    keys = KeySet().fetched((OLD,), NOW)
    assert keys.lookup("new", "RS256", NOW + 1) is Verdict.REFETCH
    assert keys.fetched((NEW,), NOW + 1).lookup("new", "RS256", NOW + 1) == (NEW,)


def test_m15_m18_keys_are_fresh_for_5_minutes_stale_for_an_hour_and_asked_for_every_30_seconds() -> None:
    assert (LIFETIME, MAX_STALE, COOLDOWN) == (300, 3600, 30)


@pytest.mark.parametrize(("age", "counts"), [(0, True), (LIFETIME - 1, True), (LIFETIME, False), (-1, False)])
def test_m15_a_fetch_counts_for_the_cooldown_if_the_keys_were_fresh(age: int, counts: bool) -> None:
    keys = KeySet().fetched((OLD,), NOW).fetched((OLD,), NOW + age)
    assert keys.lookup("new", "RS256", NOW + age) is (Verdict.UNKNOWN if counts else Verdict.REFETCH)


def test_m15_an_invented_key_id_costs_one_fetch_in_a_cooldown() -> None:
    keys = KeySet().fetched((OLD,), NOW).fetched((OLD,), NOW + 1)
    assert keys.lookup("invented", "RS256", NOW + 1 + COOLDOWN - 0.1) is Verdict.UNKNOWN
    assert keys.lookup("old", "RS256", NOW + 2) == (OLD,)
    assert keys.lookup("invented", "RS256", NOW + 1 + COOLDOWN) is Verdict.REFETCH


def test_stale_keys_are_fetched_again_and_serve_through_an_outage_of_an_hour() -> None:
    """M18: then nothing is verified any more, and nobody calls the token bad."""
    keys = KeySet().fetched((OLD,), NOW)
    late = NOW + LIFETIME
    assert keys.lookup("old", "RS256", late) is Verdict.REFETCH
    assert keys.failed(late).lookup("old", "RS256", late + 1) == (OLD,)
    assert keys.failed(late).lookup("old", "RS256", late + COOLDOWN) is Verdict.REFETCH
    end = late + MAX_STALE
    assert keys.failed(end).lookup("old", "RS256", end) == (OLD,)
    assert keys.failed(end + 1).lookup("old", "RS256", end + 1) is Verdict.UNAVAILABLE


def test_a_failed_fetch_is_an_outage_and_no_bad_token() -> None:
    """M15: and it counts for the cooldown."""
    failed = KeySet().failed(NOW)
    assert failed.lookup("old", "RS256", NOW + 1) is Verdict.UNAVAILABLE
    assert failed.lookup("old", "RS256", NOW + COOLDOWN) is Verdict.REFETCH
    refetch_failed = KeySet().fetched((OLD,), NOW).failed(NOW + 1)
    assert refetch_failed.lookup("new", "RS256", NOW + 2) is Verdict.UNAVAILABLE
    assert refetch_failed.lookup("old", "RS256", NOW + 2) == (OLD,)


def test_the_lifetime_of_keys_can_be_set() -> None:
    keys = KeySet().fetched((OLD,), NOW)
    assert keys.lookup("old", "RS256", NOW + 10, lifetime=10) is Verdict.REFETCH
    assert keys.lookup("old", "RS256", NOW + 3000, lifetime=3001) == (OLD,)


def test_a_key_that_was_rotated_right_after_a_stale_fetch_is_found_at_once() -> None:
    keys = KeySet().fetched((OLD,), NOW, lifetime=60).fetched((OLD,), NOW + 100, lifetime=60)
    assert keys.lookup("new", "RS256", NOW + 101, lifetime=60) is Verdict.REFETCH
    keys = KeySet().fetched((OLD,), NOW, lifetime=900).fetched((OLD,), NOW + 600, lifetime=900)
    assert keys.lookup("new", "RS256", NOW + 601, lifetime=900) is Verdict.UNKNOWN


def test_m15_invented_key_ids_cost_one_fetch_in_a_cooldown_however_short_the_lifetime() -> None:
    keys = KeySet().fetched((OLD,), NOW, lifetime=0).fetched((OLD,), NOW + 1, lifetime=0)
    assert keys.lookup("invented", "RS256", NOW + 2, lifetime=0) is Verdict.UNKNOWN


def test_keys_that_are_known_are_told_fresh_or_stale_and_not_for_ever() -> None:
    keys = KeySet().fetched((OLD, EC), NOW)
    assert keys.known("old", "RS256", NOW + LIFETIME + MAX_STALE) == (OLD,)
    assert keys.known("old", "RS256", NOW + LIFETIME + MAX_STALE + 1) == ()
    assert keys.known("new", "RS256", NOW) == KeySet().known("old", "RS256", NOW) == ()


def test_a_clock_that_is_set_back_makes_keys_old_and_not_immortal() -> None:
    keys = KeySet().fetched((OLD,), NOW)
    assert keys.lookup("old", "RS256", NOW - 10) is Verdict.REFETCH
    assert keys.failed(NOW).lookup("new", "RS256", NOW - 10) is Verdict.REFETCH


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "", "x" * 1_000_000])
def test_m23_a_key_id_is_only_ever_compared(kid: str) -> None:
    assert KeySet((OLD,), NOW, NOW).lookup(kid, "RS256", NOW) is Verdict.UNKNOWN


class AgeingKeys(RuleBasedStateMachine):
    """Property 9: rotate, outage, flood, clock; few fetches, removed keys end, good tokens are soon accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.keys = KeySet()
        self.generation = 0
        self.published = (key("g0"),)
        self.is_up = True
        self.fetches: list[float] = []
        self.removed_at: dict[str, float] = {}

    def look(self, kid: str) -> tuple[Key, ...] | Verdict:
        found = self.keys.lookup(kid, "RS256", self.now)
        if found is not Verdict.REFETCH:
            return found
        self.fetches.append(self.now)
        self.keys = self.keys.fetched(self.published, self.now) if self.is_up else self.keys.failed(self.now)
        return self.keys.lookup(kid, "RS256", self.now)

    @rule(seconds=st.sampled_from([0, 1, 29, 30, 299, 300, 4000]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def rotate(self) -> None:
        self.removed_at[f"g{self.generation}"] = self.now
        self.generation += 1
        self.published = (key(f"g{self.generation}"),)

    @rule()
    def outage(self) -> None:
        self.is_up = not self.is_up

    @rule()
    def flood(self) -> None:
        for number in range(20):
            assert isinstance(self.look(f"invented{number}"), Verdict)

    @rule()
    def good_token(self) -> None:
        is_cooling = any(self.now - fetch < COOLDOWN for fetch in self.fetches)
        found = self.look(f"g{self.generation}")
        if self.is_up and not is_cooling:
            assert found == self.published

    @rule()
    def removed_token(self) -> None:
        for kid, removed_at in self.removed_at.items():
            found = self.look(kid)
            if self.now - removed_at > LIFETIME + MAX_STALE + COOLDOWN:
                assert isinstance(found, Verdict)

    @invariant()
    def fetches_are_few(self) -> None:
        for first, third in zip(self.fetches, self.fetches[2:], strict=False):
            assert third - first >= COOLDOWN


TestAgeingKeys = AgeingKeys.TestCase
