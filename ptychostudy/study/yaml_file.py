"""A configuration file as it stands on disk: YAML in which no key is given twice."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

_CHARACTERS, _BRACKETS = 1 << 16, 500


class ConfigError(ValueError):
    """A wrong configuration; the message is one paragraph naming key, value and what is allowed."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML libraries keep the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in lines:
                raise ConfigError(
                    f"key {key.value!r} is given twice, in lines {lines[key.value]} and {line}"
                )
            lines[key.value] = line
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
        If it cannot be read, is too large, holds no keys and values, or holds a key twice in one section.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        # The parser takes seconds for thousands of open brackets, and minutes for megabytes.
        if len(text) > _CHARACTERS or max(text.count(bracket) for bracket in "[{") > _BRACKETS:
            raise ConfigError(
                f"too long ({len(text)} characters) or too many brackets; needed: at most {_CHARACTERS} and {_BRACKETS}"
            )
        config = yaml.load(text, _Loader)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    # PyYAML takes a date of month 13, an `!!int` of nothing, a `!!bool` of anything as they come.
    except (
        OSError,
        ValueError,
        LookupError,
        AttributeError,
        RecursionError,
        yaml.YAMLError,
    ) as error:
        said = (
            str(error).strip() or type(error).__name__
        )  # of a broken file PyYAML may say nothing but a line's end
        raise ConfigError(f"{path}: cannot be read as YAML ({said.splitlines()[0]})") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: holds {type(config).__name__}, needed keys and values")
    return config
