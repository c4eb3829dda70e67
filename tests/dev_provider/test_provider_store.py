from dataclasses import dataclass

from spa_auth.dev_provider.store import Store


@dataclass(frozen=True)
class Note:
    key: str


def test_a_record_is_there_until_its_second_comes() -> None:
    now = [0.0]
    store = Store[Note](lambda: now[0])
    note = store.put(Note("a"), 10)
    now[0] = 9.9
    assert store.get("a") is note
    assert list(store) == [note]
    now[0] = 10
    assert store.get("a") is None
    assert list(store) == []
    assert store.remove("a") is None


def test_a_full_store_forgets_what_is_past_then_what_is_oldest() -> None:
    now = [0.0]
    store = Store[Note](lambda: now[0], capacity=2)
    store.put(Note("a"), 100)
    store.put(Note("b"), 5)
    now[0] = 6
    store.put(Note("c"), 100)
    assert [note.key for note in store] == ["a", "c"]
    store.put(Note("d"), 100)
    assert [note.key for note in store] == ["c", "d"]
