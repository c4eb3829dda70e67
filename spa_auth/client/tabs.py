"""Tabs and workers of one origin stay in step: what happens to the session in one is obeyed in all.

What is posted carries no token, and names the user only by a salted hash. Any script of the origin can post the
same (threat W17), so no login is believed: it makes a tab look for itself. A logout is obeyed, as one that is
forged is a nuisance and no more.
"""

import asyncio
import hashlib
from typing import TYPE_CHECKING

from spa_auth.client.session import OTHER_TAB
from spa_auth.errors import SpaAuthError, SubMismatchError, without_locals
from spa_auth.protocol import base64url
from spa_auth.protocol.strict_json import StrictJSONError, dumps, loads_object

if TYPE_CHECKING:
    from spa_auth.client.context import Context
    from spa_auth.client.login import Login
    from spa_auth.client.tokens import Tokens

LOGIN, LOGOUT = "login", "logout"
MAX_LENGTH = 500
# However much is posted, a tab looks for itself no more often than this, in seconds.
MIN_INTERVAL = 5
# A tab that nobody looks at need not be quick; whoever looks at it again wakes it.
LOOK_INTERVAL = 3600


class Tabs:
    """Announces what happens to the session of one client, and obeys what other tabs announce."""

    def __init__(self, context: "Context", login: "Login", tokens: "Tokens") -> None:
        self._context = context
        self._session = context.session
        self._login = login
        self._tokens = tokens
        self._is_login_announced = False
        self._announced: tuple[str, object] = "", None
        self._seen = self._look()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        channels, config = context.platform.channels, context.config
        name = f"spa_auth:tabs:{config.issuer}:{config.client_id}"
        self._channel = None if channels is None else channels.open(name, self._hear)
        self._session.announce = self._announce

    def watch(self) -> None:
        """From now on look at the hint whenever somebody looks at this tab: while it slept, it heard nothing."""
        if self._context.platform.local_storage is not None:
            self._tasks["watch"] = asyncio.ensure_future(self._watch())

    def close(self) -> None:
        """Leave the others alone, and be left alone."""
        self._session.announce = str
        if self._channel is not None:
            self._channel.close()
        for task in self._tasks.values():
            task.cancel()
        self._tasks = {}

    def _announce(self, reason: str) -> None:
        self._seen = self._look()
        if self._channel is None or reason in (OTHER_TAB, "provider"):
            return
        user = self._session.user
        if user is None:
            members = {"type": LOGOUT}
        else:
            salt = base64url.encode(self._context.platform.crypto.random(16))
            members = {"type": LOGIN, "salt": salt, "user": _hash(salt, user.sub)}
        self._channel.post(dumps({"v": 1, **members}).decode())

    def _hear(self, text: str) -> None:
        try:
            members = loads_object(text[: MAX_LENGTH + 1].encode(errors="replace"))
        except StrictJSONError:
            return
        kind = members.get("type") if members.get("v") == 1 else None
        if kind == LOGOUT:
            self._is_login_announced = False
            self._end()
        elif kind == LOGIN:
            self._announced = str(members.get("salt")), members.get("user")
            if not self._is_same_user():
                self._follow_soon()

    def _is_same_user(self) -> bool:
        current, (salt, user) = self._session.user, self._announced
        return current is not None and _hash(salt, current.sub) == user

    def _end(self) -> None:
        # Also where nobody is logged in: what is on its way is late now.
        self._session.leave(OTHER_TAB)
        self._seen = False, False

    def _follow_soon(self) -> None:
        self._is_login_announced = True
        running = self._tasks.get("follow")
        if running is None or running.done():
            self._tasks["follow"] = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while self._is_login_announced:
            self._is_login_announced = False
            await (self._log_in() if self._session.current is None else self._compare())
            await self._context.platform.pause(MIN_INTERVAL)

    async def _log_in(self) -> None:
        await self._until_hint()
        self._session.login_reason = OTHER_TAB
        try:
            await self._tokens.check_session()
        except SpaAuthError as error:
            self._context.platform.console.error(without_locals(error))
        finally:
            self._session.login_reason = LOGIN

    async def _until_hint(self) -> None:
        # A message may overtake what the same tab has stored before it: browsers keep no order between the two.
        for _ in range(20):
            if self._session.has_hint:
                return
            await self._context.platform.pause(0.1)

    async def _compare(self) -> None:
        """Look into the store, then ask the provider: somebody else is said to be logged in."""
        context, generation = self._context, self._session.generation
        audience = context.audience(None)
        asked = context.scope(audience, None)
        try:
            await context.keeper.pull()
            if not self._is_same_user():
                grant = await self._login.silent(audience, asked)
                await context.keeper.accept(grant, asked, generation, silent=True)
        except SpaAuthError as error:
            # Where nothing shows that it is still the same user, this tab must not go on in their name.
            if generation == self._session.generation:
                self._end()
            if isinstance(error, SubMismatchError):
                await self._log_in()

    async def _watch(self) -> None:
        while True:
            await self._context.platform.pause(LOOK_INTERVAL)
            (was_there, was_valid), (is_there, is_valid) = self._seen, self._look()
            self._seen = is_there, is_valid
            if self._session.current is not None and was_there and not is_there:
                self._end()
            elif self._session.current is None and is_valid and not was_valid:
                self._follow_soon()

    def _look(self) -> tuple[bool, bool]:
        return self._session.hint is not None, self._session.has_hint


def _hash(salt: str, sub: str) -> str:
    return base64url.encode(hashlib.sha256(f"{salt} {sub}".encode(errors="replace")).digest())
