"""Text that came from outside and is about to be shown or logged."""

import re
from collections.abc import Iterable

# Half a character, which JavaScript and JSON escapes allow in texts but UTF-8 does not.
HALF = re.compile("[\ud800-\udfff]")
_ILLEGAL = re.compile(r"[^ !#-\[\]-~]")
# A run this long without punctuation is no word of a message; it may be a token or code that was echoed.
_SECRET_LIKE = re.compile(r"[A-Za-z0-9_~-]{24,}")
_CODE = re.compile(r"[!#-\[\]-~]{1,64}")
# Such as account_selection_required: long, but made of words.
_WORDS = re.compile(r"[a-z]{1,16}(?:_[a-z]{1,16})+")
MAX_LENGTH = 512


def to_text(data: bytes) -> str | None:
    """The text that these bytes are in UTF-8, else None.

    An exception would carry the bytes, secrets and all, along as its context; so would one raised in its place.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def clean_text(text: object, secrets: Iterable[str] = ()) -> str:
    """An error text cut to 512 of the characters that RFC 6749 section 5.2 allows; "" for anything but text.

    Args:
        text: What came.
        secrets: What was sent there, and must not be shown where it is echoed.
    """
    if not isinstance(text, str):
        return ""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[...]")
    return _SECRET_LIKE.sub("[...]", _ILLEGAL.sub("", text[: 4 * MAX_LENGTH]))[:MAX_LENGTH]


def clean_code(code: object) -> str:
    """An error code of RFC 6749 section 5.2; "server_error" for anything else."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return "server_error"
    return code if _WORDS.fullmatch(code) or not _SECRET_LIKE.fullmatch(code) else "server_error"
