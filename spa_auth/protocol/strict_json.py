"""JSON without latitude: one reading for every document, or none (RFC 8259, RFC 7519 section 4).

Refused: doubled members, NaN and infinities, numbers a float cannot hold, deep nesting, large documents,
anything but UTF-8 without a byte order mark, and lone surrogates.
"""

import json
import re
from collections.abc import Mapping
from typing import TypeGuard

from spa_auth.errors import ProtocolError
from spa_auth.protocol.text import HALF, to_text

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
_MAX_DIGITS = 20
# Possessive, and the end of the text ends a string too: so each character is looked at once.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJSONError(ProtocolError):
    """The document is not JSON, or is JSON that two parsers read differently."""


def loads(document: bytes, *, max_bytes: int = MAX_BYTES) -> object:
    """Read a JSON document.

    Args:
        document: The bytes as they came.
        max_bytes: The largest document to look at, in bytes.

    Raises:
        StrictJSONError: The document is refused; the text says why, without quoting it.
    """
    if len(document) > max_bytes:
        raise StrictJSONError("The JSON document is too large.")
    text = to_text(document)
    if text is None:
        raise StrictJSONError("The JSON document is not UTF-8.")
    _check_depth(text)
    value = _decode(text)
    if _SURROGATE.search(text) and HALF.search(json.dumps(value, ensure_ascii=False)):
        raise StrictJSONError("The JSON document holds half a character.")
    return value


def loads_object(document: bytes, *, max_bytes: int = MAX_BYTES) -> dict[str, object]:
    """Read a JSON document whose top level is an object; raises as `loads` does."""
    value = loads(document, max_bytes=max_bytes)
    if not is_object(value):
        raise StrictJSONError("The JSON document is not an object.")
    return value


def dumps(value: Mapping[str, object]) -> bytes:
    """Write a JSON object in its shortest form, as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def is_texts(value: object) -> TypeGuard[list[str]]:
    """Whether a JSON value is an array of strings."""
    return is_array(value) and all(isinstance(item, str) for item in value)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; true and false are none, though Python counts with them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decode(text: str) -> object:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError:
        fault = StrictJSONError("The document is not JSON.")
    raise fault  # out here, as the context of an error raised in there would quote the document


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return  # it cannot be deeper than it has brackets
    depth = 0
    for character in re.sub(r"[^\[\]{}]", "", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        if depth > MAX_DEPTH:
            raise StrictJSONError("The JSON document is nested too deeply.")


def _unique_members(members: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(members)
    if len(value) != len(members):
        raise StrictJSONError("The JSON document names a member twice.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise StrictJSONError("The JSON document holds a number that is too long.")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise StrictJSONError("The JSON document holds a number that is too large.")
    return value


def _no_constant(name: str) -> object:
    raise StrictJSONError(f"The JSON document holds {name}.")


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_int=_integer, parse_float=_float, parse_constant=_no_constant
)
