"""Randomness and signature checks with the Web Cryptography API."""

from typing import Any
from weakref import WeakKeyDictionary

from spa_auth.browser._js import JsError, js, js_object, to_js
from spa_auth.errors import ConfigurationError
from spa_auth.protocol.jwk import Key

_NAMES = {"RS": "RSASSA-PKCS1-v1_5", "PS": "RSA-PSS", "ES": "ECDSA"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class WebCrypto:
    """The port `Crypto` over crypto.getRandomValues and crypto.subtle."""

    def __init__(self) -> None:
        self._imported: WeakKeyDictionary[Key, dict[str, object]] = WeakKeyDictionary()

    def random(self, length: int) -> bytes:
        """That many bytes from crypto.getRandomValues.

        Raises:
            ConfigurationError: `insecure_context`.
        """
        _require_secure_context()
        return js.crypto.getRandomValues(js.Uint8Array.new(length)).to_bytes()

    async def verify(self, alg: str, key: Key, text: bytes, signature: bytes) -> bool:
        """Whether crypto.subtle.verify says so; False for a key or algorithm that it cannot use.

        Raises:
            ConfigurationError: `insecure_context`.
        """
        _require_secure_context()
        if not key.fits(alg):
            return False
        try:
            imported = await self._import(alg, key)
            return await js.crypto.subtle.verify(_algorithm(alg), imported, to_js(signature), to_js(text)) is True
        except JsError:
            return False

    async def _import(self, alg: str, key: Key) -> object:
        known = self._imported.setdefault(key, {})
        if alg not in known:
            usages = to_js(["verify"])
            known[alg] = await js.crypto.subtle.importKey("jwk", js_object(key.jwk), _algorithm(alg), False, usages)
        return known[alg]


def _algorithm(alg: str) -> Any:  # noqa: ANN401  it exists in JavaScript only
    # The parameters of import and of verification in one: each takes its own (W3C WebCrypto sections 20 to 23).
    if alg in ("EdDSA", "Ed25519"):
        return js_object({"name": "Ed25519"})
    bits = int(alg[2:])
    members = {"name": _NAMES[alg[:2]], "hash": f"SHA-{bits}"}
    if alg in _CURVES:
        return js_object({**members, "namedCurve": _CURVES[alg]})
    # RFC 7518 section 3.5: "The size of the salt value is the same size as the hash function output."
    return js_object({**members, "saltLength": bits // 8})


def _require_secure_context() -> None:
    if not getattr(getattr(js, "crypto", None), "subtle", None):
        raise ConfigurationError(
            "The browser offers no cryptography on this page, as its connection is not secure.",
            error="insecure_context",
            remedy="Serve the page over https, or open it as http://localhost or http://127.0.0.1.",
        )
