"""What spa_auth uses of `js` and `pyodide.ffi`, with its types: described once, cast once.

The descriptions cost a page nothing: they exist for type checkers only. JavaScript's null may be None or a
falsy `jsnull`, and what should be a text may be anything, so whoever reads checks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import js as _global
import pyodide.ffi as _pyodide_ffi

if TYPE_CHECKING:

    class Bytes(Protocol):
        """A Uint8Array or an ArrayBuffer."""

        def to_bytes(self) -> bytes: ...

    class Destroyable(Protocol):
        """A proxy of something of Python's, alive until it is destroyed."""

        def destroy(self) -> None: ...

    class Signal(Protocol):
        """AbortSignal."""

        aborted: bool

    class Controller(Protocol):
        """AbortController."""

        signal: Signal
        abort: Any

        def __call__(self) -> None: ...

    class Chunk(Protocol):
        """What a stream's reader reads."""

        done: bool
        value: Bytes

    class Reader(Protocol):
        """ReadableStreamDefaultReader."""

        async def read(self) -> Chunk: ...

    class Stream(Protocol):
        """ReadableStream."""

        def getReader(self) -> Reader: ...  # noqa: N802

    class FetchResponse(Protocol):
        """Response, as js.fetch gives it."""

        type: str
        status: int
        url: str
        headers: object
        body: Stream | None

    class Element(Protocol):
        """HTMLElement, HTMLIFrameElement."""

        hidden: bool
        textContent: str  # noqa: N815
        src: str
        onload: object
        referrerPolicy: str  # noqa: N815
        contentWindow: object  # noqa: N815

        def click(self) -> None: ...
        def closest(self, selector: str) -> "Element | None": ...
        def focus(self) -> None: ...
        def getAttribute(self, name: str) -> str | None: ...  # noqa: N802
        def matches(self, selector: str) -> bool: ...
        def removeAttribute(self, name: str) -> None: ...  # noqa: N802
        def setAttribute(self, name: str, value: str) -> None: ...  # noqa: N802
        def append(self, child: "Element") -> None: ...
        def remove(self) -> None: ...

    class Document(Protocol):
        """Document."""

        activeElement: Element | None  # noqa: N815
        baseURI: str  # noqa: N815
        body: Element
        documentElement: Element  # noqa: N815
        visibilityState: str  # noqa: N815

        def createElement(self, name: str) -> Element: ...  # noqa: N802
        def querySelector(self, selector: str) -> Element | None: ...  # noqa: N802
        def addEventListener(self, name: str, listener: object) -> None: ...  # noqa: N802
        def querySelectorAll(self, selector: str) -> Iterable[Element]: ...  # noqa: N802
        def hasFocus(self) -> bool: ...  # noqa: N802

    class Location(Protocol):
        """Location."""

        href: str
        origin: str

        def assign(self, url: str) -> None: ...

    class History(Protocol):
        """History."""

        state: object

        def replaceState(self, state: object, unused: str, url: str) -> None: ...  # noqa: N802

    class Area(Protocol):
        """Storage: sessionStorage or localStorage."""

        def getItem(self, name: str) -> object: ...  # noqa: N802
        def setItem(self, name: str, text: str) -> None: ...  # noqa: N802
        def removeItem(self, name: str) -> None: ...  # noqa: N802

    class Event(Protocol):
        """MessageEvent, PageTransitionEvent, MouseEvent, KeyboardEvent."""

        data: object
        origin: str
        source: object
        persisted: bool
        target: Any
        ports: "Sequence[Port]"
        key: str
        repeat: bool

        def stopImmediatePropagation(self) -> None: ...  # noqa: N802
        def preventDefault(self) -> None: ...  # noqa: N802

    class Port(Protocol):
        """BroadcastChannel, MessagePort."""

        onmessage: object

        def postMessage(self, message: object) -> None: ...  # noqa: N802
        def close(self) -> None: ...

    class Worker(Protocol):
        """Worker, as its page has it."""

        def postMessage(self, message: object, transfer: object) -> None: ...  # noqa: N802
        def addEventListener(self, name: str, listener: object) -> None: ...  # noqa: N802
        def removeEventListener(self, name: str, listener: object) -> None: ...  # noqa: N802

    class Channel(Protocol):
        """BroadcastChannel."""

        onmessage: object

        def close(self) -> None: ...

    class LockManager(Protocol):
        """LockManager: navigator.locks."""

        async def request(self, name: str, options: object, hold: object) -> object: ...

    class Navigator(Protocol):
        """Navigator, WorkerNavigator."""

        locks: LockManager | None

    class Subtle(Protocol):
        """SubtleCrypto."""

        async def importKey(  # noqa: N802
            self, form: str, key: object, algorithm: object, extractable: bool, usages: object
        ) -> object: ...
        async def verify(self, algorithm: object, key: object, signature: object, text: object) -> bool: ...

    class Crypto(Protocol):
        """Crypto."""

        subtle: Subtle

        def randomUUID(self) -> str: ...  # noqa: N802
        def getRandomValues(self, array: Bytes) -> Bytes: ...  # noqa: N802

    class Console(Protocol):
        """Console."""

        def info(self, text: str) -> None: ...
        def error(self, text: str) -> None: ...

    class Global(Protocol):
        """The window, or the global scope of a worker."""

        AbortController: Any
        BroadcastChannel: Any
        MessageChannel: Any
        MutationObserver: Any
        JSON: Any
        Object: Any
        Request: Any
        URL: Any
        Uint8Array: Any
        console: Console
        crypto: Crypto
        document: Document
        history: History
        location: Location
        navigator: Navigator
        outerHeight: float  # noqa: N815
        outerWidth: float  # noqa: N815
        screenX: float  # noqa: N815
        screenY: float  # noqa: N815

        def spa_auth_gate(self) -> object: ...
        async def fetch(self, request: object) -> FetchResponse: ...
        def open(self, url: str, name: str, features: str) -> Any: ...  # noqa: ANN401
        def setTimeout(self, function: object, milliseconds: float) -> object: ...  # noqa: N802
        def clearTimeout(self, timer: object) -> None: ...  # noqa: N802
        def postMessage(self, message: object) -> None: ...  # noqa: N802
        def addEventListener(self, name: str, listener: object, capture: bool = False) -> None: ...  # noqa: N802
        def removeEventListener(self, name: str, listener: object, capture: bool = False) -> None: ...  # noqa: N802

    class Ffi(Protocol):
        """pyodide.ffi."""

        JsException: type[Exception]

        def create_proxy(self, function: Callable[[Event], object]) -> Destroyable: ...
        def to_js(self, value: object, *, dict_converter: object = None) -> Any: ...  # noqa: ANN401


js = cast("Global", _global)
_ffi = cast("Ffi", _pyodide_ffi)
# An error that JavaScript threw, or a promise that it rejected.
JsError = _ffi.JsException
create_proxy = _ffi.create_proxy


def to_js(value: bytes | Iterable[object]) -> Any:  # noqa: ANN401  it exists in JavaScript only
    """Bytes as a Uint8Array, a sequence as an Array."""
    return _ffi.to_js(value)


def js_object(members: Mapping[str, object]) -> Any:  # noqa: ANN401  as above
    """A plain object. Without the converter, Pyodide before 0.29 would make a Map of it."""
    return _ffi.to_js(members, dict_converter=js.Object.fromEntries)


def has(name: str) -> bool:
    """Whether the global scope has something of that name."""
    return bool(getattr(_global, name, None))
