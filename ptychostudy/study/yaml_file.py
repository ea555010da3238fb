"""A configuration file as it stands on disk: YAML in which no key is given twice."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

# The parser takes seconds for thousands of open brackets, and minutes for megabytes.
_CHARACTERS = 1 << 16
_BRACKETS = 500

_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    RecursionError,
    yaml.YAMLError,
)
"""What PyYAML raises; a date of month 13 or an `!!int` of nothing it takes as they come."""


class ConfigError(ValueError):
    """A wrong configuration; the message is one paragraph naming key, value and what is allowed."""


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice, of which YAML libraries keep the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        _refuse_repeated([key for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a configuration file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        If it cannot be read, is too large, holds no keys and values, or holds a key twice in one
        section.
    """
    try:
        config = _parsed(Path(path).read_text(encoding="utf-8"))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except _UNREADABLE as error:
        reason = _first_line(error)
        raise ConfigError(f"{path}: cannot be read as YAML ({reason})") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: holds {type(config).__name__}, needed keys and values")
    return config


def _parsed(text: str) -> Any:
    """Parse a text, unless it is too long or too deep for the parser."""
    # Counted before parsing, also in comments and texts: the limit is far above any study.
    brackets = max(text.count("["), text.count("{"))
    if len(text) > _CHARACTERS or brackets > _BRACKETS:
        raise ConfigError(
            f"too long ({len(text)} characters) or too many brackets; "
            f"needed: at most {_CHARACTERS} and {_BRACKETS}"
        )
    return yaml.load(text, _Loader)


def _refuse_repeated(keys: list[yaml.ScalarNode]) -> None:
    """Refuse a key that one section gives twice, by the lines in which it stands."""
    lines: dict[str, int] = {}
    for key in keys:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise ConfigError(
                f"key {key.value!r} is given twice, in lines {lines[key.value]} and {line}"
            )
        lines[key.value] = line


def _first_line(error: Exception) -> str:
    # Of a broken file PyYAML may say nothing but a line's end.
    said = str(error).strip() or type(error).__name__
    return said.splitlines()[0]
