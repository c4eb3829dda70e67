"""The controls over HTTP, for tests in other processes: JSON in, JSON out, behind a token (threat O13).

It is off unless the provider is given a token; then paths below /control answer this machine only, whoever sends the
token in the Authorization header. No cookie is read, and there is no CORS: a page cannot send that header here, as the
preflight is refused.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, cast

from spa_auth.dev_provider.answers import json_error, json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.control import Control, Kind
from spa_auth.dev_provider.controls import CookieLoss, Malformation
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.errors import ConfigurationError
from spa_auth.protocol.http import Response, header_values, media_type
from spa_auth.protocol.strict_json import StrictJSONError, is_number, loads_object

PATH = "/control"
Members = Mapping[str, object]


class Verb(NamedTuple):
    """What can be posted to a path: the members that it must have, those that it may have, and what it does."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    act: Callable[[Control, Members], Awaitable[Members]]


def is_control(path: str) -> bool:
    """Whether a path below the issuer belongs to the controls."""
    return path == PATH or path.startswith(f"{PATH}/")


async def control_surface(control: Control, call: Call, token: str) -> Response:
    """Do what was asked and answer with the outcome, or with an error that says what is missing.

    Args:
        control: What is controlled.
        call: A request for a path of which `is_control` is true.
        token: What the request has to show (RFC 6750 section 2.1).
    """
    try:
        _check_token(call, token)
        return json_response(await _answer(control, call))
    except ConfigurationError as error:
        return json_error(EndpointError("invalid_request", error.error_description))
    except EndpointError as error:
        return json_error(error)


def _check_token(call: Call, token: str) -> None:
    given = header_values(call.request.headers, "authorization")
    expected = f"Bearer {token}"
    if len(given) != 1 or not hmac.compare_digest(given[0].encode(errors="replace"), expected.encode()):
        headers = (("WWW-Authenticate", "Bearer"),)
        text = "The controls need Authorization: Bearer and the token that the provider was started with."
        raise EndpointError("invalid_token", text, status=401, headers=headers)


async def _answer(control: Control, call: Call) -> Members:
    if call.path == PATH:
        _check_method(call, "GET")
        return control.state()
    verb = VERBS.get(call.path.removeprefix(f"{PATH}/"))
    if verb is None:
        raise EndpointError("not_found", f"There are {', '.join(VERBS)}.", status=404)
    _check_method(call, "POST")
    return await verb.act(control, _read(call, verb))


def _check_method(call: Call, method: str) -> None:
    if call.method != method:
        raise EndpointError("invalid_request", f"Use {method}.", status=405, headers=(("Allow", method),))


def _read(call: Call, verb: Verb) -> Members:
    if media_type(call.request.headers) != "application/json":
        raise EndpointError("invalid_request", "The body must be application/json.", status=415)
    try:
        members = loads_object(call.request.body or b"{}")
    except StrictJSONError as error:
        raise EndpointError("invalid_request", error.error_description) from None
    missing = [name for name in verb.required if name not in members]
    unknown = [name for name in members if name not in (*verb.required, *verb.optional)]
    if missing or unknown:
        known = ", ".join((*verb.required, *verb.optional)) or "none"
        faults = [
            f"{word}: {', '.join(names)}." for word, names in (("Missing", missing), ("Unknown", unknown)) if names
        ]
        raise EndpointError("invalid_request", f"{' '.join(faults)} Known members: {known}.")
    wrong = [name for name, value in members.items() if not TYPES[name](value)]
    if wrong:
        raise EndpointError("invalid_request", f"Of the wrong type: {', '.join(wrong)}.")
    return members


async def _advance(control: Control, members: Members) -> Members:
    control.advance(cast("float", members["seconds"]))
    return control.state()


async def _expire(control: Control, members: Members) -> Members:
    kind = cast("Kind", members["kind"])
    return {"count": control.expire(kind, sub=_text(members, "sub"), client_id=_text(members, "client_id"))}


async def _revoke(control: Control, members: Members) -> Members:
    return {"count": control.revoke(sub=_text(members, "sub"), client_id=_text(members, "client_id"))}


async def _end_sessions(control: Control, members: Members) -> Members:
    return {"count": await control.end_sessions(_text(members, "sub"))}


async def _rotate_keys(control: Control, _members: Members) -> Members:
    control.rotate_keys()
    return control.state()


async def _next(control: Control, members: Members) -> Members:
    control.next(
        cast("str", members["path"]),
        error=_text(members, "error") or "",
        status=cast("int", members.get("status", 400)),
        malformed=cast("Malformation | None", members.get("malformed")),
        delay=cast("float", members.get("delay", 0)),
        times=cast("int | None", members.get("times", 1)),
    )
    return control.state()


async def _cookies(control: Control, members: Members) -> Members:
    control.drop_cookies = cast("CookieLoss", members["drop"])
    return control.state()


async def _silent(control: Control, members: Members) -> Members:
    control.deny_silent_login = cast("bool", members["deny"])
    return control.state()


async def _make_initial_access_token(control: Control, _members: Members) -> Members:
    return {"initial_access_token": control.make_initial_access_token()}


async def _destroy_initial_access_token(control: Control, members: Members) -> Members:
    control.destroy_initial_access_token(cast("str", members["initial_access_token"]))
    return control.state()


async def _reset(control: Control, _members: Members) -> Members:
    control.reset()
    return control.state()


VERBS: Mapping[str, Verb] = {
    "advance": Verb(("seconds",), (), _advance),
    "expire": Verb(("kind",), ("sub", "client_id"), _expire),
    "revoke": Verb((), ("sub", "client_id"), _revoke),
    "end-sessions": Verb((), ("sub",), _end_sessions),
    "rotate-keys": Verb((), (), _rotate_keys),
    "next": Verb(("path",), ("error", "status", "malformed", "delay", "times"), _next),
    "cookies": Verb(("drop",), (), _cookies),
    "silent": Verb(("deny",), (), _silent),
    "make-initial-access-token": Verb((), (), _make_initial_access_token),
    "destroy-initial-access-token": Verb(("initial_access_token",), (), _destroy_initial_access_token),
    "reset": Verb((), (), _reset),
}


def _text(members: Members, name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(
        ("kind", "sub", "client_id", "path", "error", "malformed", "drop", "initial_access_token"), _is_text
    ),
    **dict.fromkeys(("seconds", "delay"), is_number),
    "status": _is_integer,
    "times": lambda value: value is None or _is_integer(value),
    "deny": lambda value: isinstance(value, bool),
}
