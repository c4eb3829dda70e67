"""A configuration file: TOML with the names of `Options`, every fault in it told at once, and none with its value."""

import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, cast, get_args, get_origin, get_type_hints

from spa_auth.dev_provider.clients import DemoClient
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.users import User
from spa_auth.errors import ConfigurationError
from spa_auth.protocol.scope import Scope

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_KINDS: Mapping[object, str] = {
    str: "a string", bool: "true or false", int: "a whole number", float: "a number with a fraction",
    list: "a list", dict: "a table",
}  # fmt: skip


def read_configuration(path: Path) -> dict[str, object]:
    """The options that a file names, as keyword arguments of `Options`.

    Args:
        path: A file of TOML 1.0. Its keys are the fields of `Options`; users, clients, apis and organizations are
            lists of tables. In a table of users, every key but `sub` is a claim.

    Raises:
        ConfigurationError: The file cannot be read, or names everything in it that is wrong, by file and key.
    """
    faults: list[str] = []
    values = _table(Options, _parsed(path), "", faults)
    # What could be read is judged, too, but for members: the users that they name may be what could not.
    judged = {name: value for name, value in values.items() if not faults or name != "organizations"}
    try:
        options_of(judged)
    except ConfigurationError as error:
        faults.extend(error.faults)
    if faults:
        raise ConfigurationError(*(f"{path}: {fault}" for fault in faults))
    return values


def options_of(values: Mapping[str, object]) -> Options:
    """The options with these fields.

    Raises:
        ConfigurationError: Names everything that is wrong, at once.
    """
    return Options(**values)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def configuration_text(options: Options) -> str:
    """The options as a configuration file, with a mark where a secret stands."""
    simple, tables = list[str](), list[str]()
    for field in fields(options):
        value: object = getattr(options, field.name)
        records = _records(value)
        simple += [] if records else _line(field, value)
        tables += [f"\n[[{field.name}]]\n" + "\n".join(_lines(record)) for record in records]
    return "\n".join([*simple, *tables]) + "\n"


def _parsed(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from None


def _table(
    kind: "type[DataclassInstance]", given: Mapping[str, object], where: str, faults: list[str]
) -> dict[str, object]:
    types = get_type_hints(kind)
    faults += [f"{where}{key!a} is no option here.{_nearest(key, types)}" for key in given if key not in types]
    required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    faults += [f"{where}{name} is missing." for name in required if name not in given]
    values = dict[str, object]()
    for key in (key for key in given if key in types):
        before = len(faults)
        value = _value(types[key], given[key], where + key, faults)
        if len(faults) == before:
            values[key] = value
    return values


def _value(kind: object, value: object, where: str, faults: list[str]) -> object:
    """The value as its field has it; what cannot be one is a fault."""
    if NoneType in get_args(kind):
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        return _listed(get_args(kind)[0], value, where, faults)
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, value, where, faults)
    if kind is Scope:
        return Scope(cast("str", value)) if _is(str, value, where, faults) else None
    # A choice is a string, and Options judges which.
    _is(kind if kind in _KINDS else str, value, where, faults)
    return value


def _listed(kind: object, value: object, where: str, faults: list[str]) -> object:
    if not _is(list, value, where, faults):
        faults[-1] += f" Write [[{where}]]." if is_dataclass(kind) else ""
        return ()
    elements = enumerate(cast("list[object]", value), start=1)
    return tuple(_value(kind, element, f"{where} #{number}", faults) for number, element in elements)


def _record(kind: "type[DataclassInstance]", value: object, where: str, faults: list[str]) -> object:
    before = len(faults)
    if not _is(dict, value, where, faults):
        return None
    given = cast("dict[str, object]", value)
    if kind is User:
        return _user(given, f"{where}: ", faults)
    made = _table(kind, given, f"{where}: ", faults)
    return kind(**made) if len(faults) == before else None


def _user(given: Mapping[str, object], where: str, faults: list[str]) -> User:
    claims = {name: value for name, value in given.items() if name != "sub"}
    if "sub" not in given:
        faults.append(f"{where}sub is missing.")
    elif _is(str, given["sub"], f"{where}sub", faults) and "claims" in claims:
        faults.append(f"{where}write claims beside sub, not in a table of their own.")
    bad = [name for name, value in claims.items() if not _is_json(value)]
    faults += [f"{where}{name!a} can be no claim: JSON has no such value; write a date in quotes." for name in bad]
    return User(str(given.get("sub", "")), claims)


def _is(kind: object, value: object, where: str, faults: list[str]) -> bool:
    # Not isinstance: True is an int to Python. The value is not shown: it may be a secret.
    wanted, found = _KINDS[kind], _KINDS.get(type(value), "a date or time")
    if found != wanted:
        faults.append(f"{where} must be {wanted}, not {found}.")
    return found == wanted


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, cast("list[object]", value)))
    if isinstance(value, dict):
        return all(map(_is_json, cast("dict[str, object]", value).values()))
    return isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value))


def _nearest(key: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _records(value: object) -> "list[DataclassInstance]":
    elements = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
    return [each for each in elements if is_dataclass(each) and not isinstance(each, type)]


def _lines(record: "DataclassInstance") -> list[str]:
    if isinstance(record, User):
        return [f"{_key(name)} = {_toml(value)}" for name, value in {"sub": record.sub, **record.claims}.items()]
    # What makes the built-in client a special one cannot be written in a file.
    note = ["# any http redirect URI of this machine"] if isinstance(record, DemoClient) else []
    return note + [line for field in fields(record) for line in _line(field, getattr(record, field.name))]


def _line(field: "Field[object]", value: object) -> list[str]:
    if value is None:
        return []
    hidden = value and not field.repr
    return [
        f'{field.name} = "hidden"'
        if hidden and isinstance(value, str)
        else f"{field.name} = {_toml([] if hidden else value)}"
    ]


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return "{ " + ", ".join(f"{_key(name)} = {_toml(each)}" for name, each in pairs) + " }"
    if isinstance(value, (tuple, list)) and not isinstance(value, Scope):
        return "[" + ", ".join(map(_toml, cast("list[object]", value))) + "]"
    # JSON is TOML here, but for one character that JSON need not escape.
    return json.dumps(str(value) if isinstance(value, Scope) else value).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("-", "_").isidentifier() else json.dumps(name)
