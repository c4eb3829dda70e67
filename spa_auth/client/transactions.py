"""Pending logins, one record per `state`, and the answers that the callback page left for them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from spa_auth.errors import MissingTransactionError, StateMismatchError, StorageUnavailableError
from spa_auth.protocol.transaction import (
    MAX_PENDING,
    RESPONSE_PREFIX,
    TRANSACTION_PREFIX,
    Transaction,
    dump_transaction,
    parse_transaction,
)

if TYPE_CHECKING:
    from spa_auth.client.ports import Storage


class MemoryStorage:
    """A Storage that lasts as long as this object."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """The text of that name."""
        return self._texts.get(name)

    def set(self, name: str, text: str) -> None:
        """Keep a text."""
        self._texts[name] = text

    def remove(self, name: str) -> None:
        """Forget a text."""
        self._texts.pop(name, None)

    def names(self) -> list[str]:
        """Every name in use."""
        return list(self._texts)


class Transactions:
    """The pending logins of one client in this tab.

    Args:
        storage: Where the records lie; None keeps them in memory, for a place that is never left.
        issuer: Only logins with this provider,
        client_id: and of this client are seen.
    """

    def __init__(self, storage: "Storage | None", *, issuer: str, client_id: str) -> None:
        self._storage: Storage = MemoryStorage() if storage is None else storage
        self._issuer = issuer
        self._client_id = client_id

    @property
    def is_pending(self) -> bool:
        """Whether a login of this client has begun in this tab and was not answered yet."""
        return next(self._pending(), None) is not None

    def add(self, transaction: Transaction) -> None:
        """Keep a login that begins; of more than ten the oldest goes.

        Raises:
            StorageUnavailableError: The browser's storage is blocked or full.
        """
        pending = sorted(self._pending(), key=lambda each: each.created_at)
        for oldest in pending[: max(0, len(pending) - MAX_PENDING + 1)]:
            self._remove(oldest.state)
        name = TRANSACTION_PREFIX + transaction.state
        self._storage.set(name, dump_transaction(transaction))
        if self._storage.get(name) is None:
            raise StorageUnavailableError("The browser stores nothing for this page.")

    def take(self, state: str) -> Transaction:
        """The login of that state, which is forgotten with this: an answer counts once.

        Raises:
            StateMismatchError: There is no such login, but another is pending.
            MissingTransactionError: No login is pending, or its record is damaged.
        """
        transaction = self._read(state)
        if transaction is None:
            self._refuse()
        self._remove(state)
        return transaction

    def waiting_response(self) -> str | None:
        """The query of an answer that the callback page left for a login of this client; it is given out once."""
        for transaction in self._pending():
            response = self._storage.get(RESPONSE_PREFIX + transaction.state)
            if response is not None:
                self._storage.remove(RESPONSE_PREFIX + transaction.state)
                return response
        return None

    def clear(self) -> None:
        """Forget every pending login of this client."""
        for transaction in list(self._pending()):
            self._remove(transaction.state)

    def _pending(self) -> Iterator[Transaction]:
        for name in tuple(self._storage.names()):
            if name.startswith(TRANSACTION_PREFIX):
                transaction = self._read(name.removeprefix(TRANSACTION_PREFIX))
                if transaction is not None:
                    yield transaction

    def _read(self, state: str) -> Transaction | None:
        record = self._storage.get(TRANSACTION_PREFIX + state)
        if record is None:
            return None
        try:
            transaction = parse_transaction(record, state)
        except MissingTransactionError:
            self._remove(state)
            return None
        is_ours = transaction.issuer == self._issuer and transaction.client_id == self._client_id
        return transaction if is_ours else None

    def _refuse(self) -> NoReturn:
        if self.is_pending:
            raise StateMismatchError("The answer belongs to no login of this tab, while another is pending.")
        raise MissingTransactionError("The answer belongs to no login that this tab began.")

    def _remove(self, state: str) -> None:
        self._storage.remove(TRANSACTION_PREFIX + state)
        self._storage.remove(RESPONSE_PREFIX + state)
