"""Why a configuration is refused: one sentence with the key, what it holds and what is needed."""

import difflib
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ptychostudy.study.section import Section
from ptychostudy.study.yaml_file import ConfigError

# The largest study that is shipped has a hundred values on five levels.
_LEVELS = 12
_VALUES = 10_000
# Python refuses to print an integer of more than 4300 decimal digits, and a refusal prints it.
_BITS = 2000

_NESTED = (dict, list, tuple)

# Without these words what pydantic says goes on after "needed:".
_OPENING = re.compile(r"^(Value error, |(Input|String|List|Dictionary) should (be )?)")

# How pydantic calls what one of several kinds of value was tried as.
_CHOICE = re.compile(r"literal\[.*\]|constrained-\w+|function-\w+\[.*\]|list\[.*\]|int|float|str")

# More wrong keys than these mostly follow from one cause, as a file of another program does.
_SHOWN_KEYS = 3
_SHOWN_CHARACTERS = 80

_SIGNS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
"""How JSON schema calls the ends of a range."""

Model = TypeVar("Model", bound=Section)

Node = dict[str, Any]
"""What JSON schema says of one key, or of a section."""


def validated(model: type[Model], values: Any) -> Model:
    """Return values as a section.

    Raises
    ------
    ConfigError
        For the first three wrong keys: path, value found and what is needed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = _by_key(error.errors(include_url=False))[:_SHOWN_KEYS]
        sentences = [_sentence(items, model) for items in wrong]
        raise ConfigError("; ".join(sentences)) from None


def check_size(config: Any) -> None:
    """Refuse what no study is: values without end, which a few aliases of YAML are enough for."""
    # Level by level and with a bound on each: a list that holds itself would have no last one.
    level = [config]
    for _ in range(_LEVELS):
        level = _one_level_down(level)
        _refuse_endless_numbers(level)
        if not level:
            return
        if len(level) > _VALUES:
            break
    raise ConfigError(
        "config: too large or too deep; "
        f"needed: at most {_VALUES} values on each of {_LEVELS} levels"
    )


def _one_level_down(values: Iterable[Any]) -> list[Any]:
    """Return what the sections and lists among some values hold."""
    parts: list[Any] = []
    for value in values:
        if isinstance(value, _NESTED):
            parts += value.values() if isinstance(value, dict) else value
    return parts


def _refuse_endless_numbers(values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, int) and value.bit_length() > _BITS:
            raise ConfigError(
                f"config: a number has more than {_BITS} binary digits; "
                "needed: one that can be printed"
            )


def _by_key(errors: Iterable[Any]) -> list[list[Any]]:
    """Return the errors of pydantic by the key they are about, of which it tries each choice."""
    by_key: dict[tuple[str | int, ...], list[Any]] = {}
    for item in errors:
        by_key.setdefault(_without_choice(item["loc"]), []).append(item)
    return list(by_key.values())


def _without_choice(key: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a key without what pydantic calls the choice that was tried."""
    return tuple(part for part in key if not _CHOICE.fullmatch(str(part)))


def _sentence(items: list[Any], model: type[Section]) -> str:
    """Say what the errors of pydantic about one key are, in the words of a configuration."""
    item, *others = items
    key = _without_choice(item["loc"])
    value = item["input"]
    path = ".".join(map(str, key))
    if item["type"] == "extra_forbidden":
        known = sorted(_described(key[:-1], model).get("properties", {}))
        meant = _meant(str(key[-1]), known)
        return f"config key {path!r} is unknown (value {_short(value)}); {meant}"
    if item["type"] == "missing":
        held = sorted(value) if isinstance(value, dict) else value
        return f"config key {path!r} is missing; found {_short(held)}; needed: its value"
    needed = _OPENING.sub("", item["msg"])
    if isinstance(value, dict | BaseModel):
        return _wrong_section(path, value, needed)
    needed += _limits(_described(key, model))
    needed += "".join(f", or {_OPENING.sub('', other['msg'])}" for other in others)
    return f"config key {path!r}: found {_short(value)}; needed: {needed}"


def _meant(key: str, known: list[str]) -> str:
    """Say which of the known keys may have been meant."""
    close = difflib.get_close_matches(key, known, 1)
    opening = f"did you mean {close[0]!r}? known are" if close else "needed: one of"
    return f"{opening} {', '.join(known)}"


def _wrong_section(path: str, value: Any, message: str) -> str:
    """Say what does not fit together within a section, or within the whole configuration."""
    # What our own validators say names the values and what is needed already.
    if "needed" not in message:
        message = f"found {_short(value)}; needed: {message}"
    return f"config section {path!r}: {message}" if path else f"config: {message}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def _described(key: tuple[str | int, ...], model: type[Section]) -> Node:
    """Return the part of the JSON schema that describes one key."""
    schema = model.model_json_schema()
    node = schema
    # Down from the whole study, as the key is spelt: section, key, number in a list.
    for part in key:
        node = _described_part(node, part)
        node = _resolved(_without_null(node), schema)
    return node


def _described_part(node: Node, part: str | int) -> Node:
    """Return what a section says of a key of it, a list of its items, a mapping of its values."""
    keys: dict[str | int, Node] = node.get("properties", {})
    if part in keys:
        return keys[part]
    # The views: of a mapping whose keys the user chooses all values are alike.
    patterns: dict[str, Node] = node.get("patternProperties", {})
    for values in patterns.values():
        return values
    # The numbers of a pair are described one by one, and all alike.
    first: Node = node.get("prefixItems", [{}])[0]
    items: Node = node.get("items", {})
    return first or items


def _without_null(node: Node) -> Node:
    """Return what a key that may be left out holds if it is not."""
    choices: list[Node] = node.get("anyOf", [])
    for choice in choices:
        if choice.get("type") != "null":
            return choice
    return node


def _resolved(node: Node, schema: Node) -> Node:
    """Follow a reference to the section that it names."""
    if "$ref" not in node:
        return node
    sections: dict[str, Node] = schema["$defs"]
    return sections[node["$ref"].rsplit("/", 1)[1]]


def _limits(node: Node) -> str:
    """Return the whole allowed range, of which an error names only the end that was left."""
    ends = [f"{sign} {node[key]:g}" for key, sign in _SIGNS.items() if key in node]
    return f" (allowed: {' and '.join(ends)})" if ends else ""
