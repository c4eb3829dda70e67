"""Looks for a secret wherever an error could carry it away (threat S03)."""

import traceback

CANARY = "CANARY-7d1f"


def leaks(error: BaseException, secret: str = CANARY) -> list[str]:
    """Every place of an error, its cause and its context in which the secret can be read."""
    found: list[str] = []
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or link in seen:
            continue
        seen.append(link)
        waiting += [link.__cause__, link.__context__]
        places = {
            "str": str(link),
            "repr": repr(link),
            "args": repr(link.args),
            "attributes": repr(vars(link)),
            "object": repr(getattr(link, "object", "")) + repr(getattr(link, "doc", "")),
            "traceback": "".join(traceback.format_exception(link)),
        }
        found += [f"{type(link).__name__}.{place}" for place, text in places.items() if secret in text]
    return found
