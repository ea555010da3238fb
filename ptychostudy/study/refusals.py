"""Why a configuration is refused, in one sentence that names the key, what it holds and what is needed."""

import difflib
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ptychostudy.study.section import Section
from ptychostudy.study.yaml_file import ConfigError

# The largest study that is shipped has a hundred values on five levels.
_LEVELS, _VALUES, _NESTED = 12, 10_000, (dict, list, tuple)
_BITS = 2000

Model = TypeVar("Model", bound=Section)


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
        wrong = error.errors(include_url=False)
        raise ConfigError("; ".join(_sentence(item, model) for item in wrong[:3])) from None


def check_size(config: Any) -> None:
    """Refuse what no study is: values without end, which a few aliases of YAML are enough for."""
    level = [config]
    for _ in range(_LEVELS):
        parts = (
            value.values() if isinstance(value, dict) else value
            for value in level
            if isinstance(value, _NESTED)
        )
        level = [part for each in parts for part in each]
        if any(isinstance(part, int) and part.bit_length() > _BITS for part in level):
            raise ConfigError(
                f"config: a number has more than {_BITS} binary digits; needed: one that can be printed"
            )
        if not level:
            return
        if len(level) > _VALUES:
            break
    raise ConfigError(
        f"config: too large or too deep; needed: at most {_VALUES} values on each of {_LEVELS} levels"
    )


def _sentence(item: Any, model: type[Section]) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = sorted(_described(item["loc"][:-1], model).get("properties", {}))
        close = difflib.get_close_matches(str(item["loc"][-1]), known, 1)
        meant = f"did you mean {close[0]!r}? known are" if close else "needed: one of"
        return f"config key {path!r} is unknown (value {_short(item['input'])}); {meant} {', '.join(known)}"
    message = re.sub(
        r"^(Value error, |(Input|String|List|Dictionary) should (be )?)", "", item["msg"]
    )
    if isinstance(item["input"], dict | BaseModel):
        found = (
            message if "needed" in message else f"found {_short(item['input'])}; needed: {message}"
        )
        return f"config section {path!r}: {found}" if path else f"config: {found}"
    limits = _limits(_described(item["loc"], model))
    return f"config key {path!r}: found {_short(item['input'])}; needed: {message}{limits}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _described(loc: tuple[str | int, ...], model: type[Section]) -> dict[str, Any]:
    """Return the part of the JSON schema that describes one key."""
    schema = model.model_json_schema()
    node = schema
    for part in loc:
        items = node.get("prefixItems", [{}])[0] or node.get("items", {})
        named = next(iter(node.get("patternProperties", {}).values()), items)
        node = node.get("properties", {}).get(part) or named
        node = next((each for each in node.get("anyOf", []) if each.get("type") != "null"), node)
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    return node


def _limits(node: dict[str, Any]) -> str:
    """Return the whole allowed range, of which an error names only the end that was left."""
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    found = [f"{sign} {node[key]:g}" for key, sign in signs.items() if key in node]
    return f" (allowed: {' and '.join(found)})" if found else ""
