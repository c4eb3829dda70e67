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


def test_a_sweep_returns_what_was_oldest_in_a_store_that_is_too_full() -> None:
    store = Store[Note](lambda: 0.0, capacity=2)
    for key in "abc":
        store.put(Note(key), 100)
    assert [note.key for note in store.sweep()] == ["a"]
    assert [note.key for note in store] == ["b", "c"]
    assert store.sweep() == []


def test_a_sweep_returns_what_has_expired_once() -> None:
    now = [0.0]
    store = Store[Note](lambda: now[0])
    for key, until in (("a", 5), ("b", 9), ("c", 5)):
        store.put(Note(key), until)
    assert store.sweep() == []
    now[0] = 5
    assert [note.key for note in store.sweep()] == ["a", "c"]
    assert store.sweep() == []
    now[0] = 9
    assert [note.key for note in store.sweep()] == ["b"]
    assert store.sweep() == []
