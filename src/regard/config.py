"""Frozen dataclasses from TOML and `section.name=value` settings, strictly.

Knows nothing of what the settings mean. Unknown names are errors that name the nearest known
one; numbers, texts and booleans are checked against the field's type. Defaults stand in the
dataclasses and nowhere else.
"""

import copy
import dataclasses
import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from regard.errors import ConfigError

T = TypeVar("T")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: the file is missing or not TOML; the message says where.
    """
    try:
        tree: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        return tree
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError(
            f"recipe is {str(path)!r}; it must be a file that exists. Check the path."
        ) from None
    except (ValueError, RecursionError) as error:  # of TOML, or of bytes that are no text
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct the file.") from None


def apply_settings(tree: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Lay `a.b=value` settings over a tree; a value is read as JSON, else taken as text.

    Raises:
        ConfigError: a setting has no `=` or goes through something that is not a section.
    """
    result: dict[str, Any] = copy.deepcopy(dict(tree))
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator:
            raise ConfigError(
                f"setting is {setting!r}; it must look like training.epochs=10. Add the value."
            )
        *sections, last = name.strip().split(".")
        place = result
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ConfigError(
                    f"setting {name!r} goes through {section!r}, which is a value; it must "
                    "be a section. Look at the recipe for the names."
                )
        try:
            place[last] = json.loads(text)
        except (ValueError, RecursionError):
            place[last] = text.strip()
    return result


def build(kind: type[T], tree: Mapping[str, Any], where: str = "") -> T:
    """Make a dataclass from a tree of plain values.

    Args:
        kind: a dataclass; nested dataclass fields are built from nested mappings.
        tree: names to values; names that are missing keep their defaults.
        where: name of the section, for messages.

    Raises:
        ConfigError: a name is unknown or a value has the wrong type.
    """
    hints = get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in tree.items():
        full = f"{where}.{name}" if where else name
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
            raise ConfigError(f"setting {full!r} is unknown; it must be a known name. {hint}")
        values[name] = _convert(hints[name], value, full)
    return kind(**values)


def _convert(hint: Any, value: Any, name: str) -> Any:
    """Check one value against its annotation; ints pass as floats, lists as tuples."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"setting {name!r} is {value!r}; it must be a section. Use [{name}].")
        return build(hint, value, name)  # type: ignore[arg-type]
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            offered = ", ".join(map(str, get_args(hint)))
            raise ConfigError(f"{name} is {value!r}; it must be one of {offered}. Choose one.")
        return value
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_convert(get_args(hint)[0], item, name) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = get_args(hint) or (hint,)
    fits = any(isinstance(value, e) for e in expected if isinstance(e, type))
    if not fits or (isinstance(value, bool) and bool not in expected):
        names = " or ".join(getattr(e, "__name__", str(e)) for e in expected)
        raise ConfigError(f"{name} is {value!r}; it must be of type {names}. Correct the value.")
    return value


def to_tree(config: Any) -> dict[str, Any]:
    """The plain values of a dataclass, ready for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))  # type: ignore[no-any-return]
