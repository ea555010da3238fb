"""Settings, schema, shipped configurations and their documentation say the same."""

import json
import re
from pathlib import Path

import pytest
import yaml

from ptychostudy.study.settings import Study, json_schema, read_study

CONFIG = Path(__file__).resolve().parents[2] / "config"
SHIPPED = sorted(CONFIG.glob("*.yaml"))


def leaves(section, path=()):
    """Yield the path of every key that holds a value."""
    for key, value in section.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


DEFAULTS = Study().model_dump(mode="json", by_alias=True)
KEYS = sorted(leaves(DEFAULTS))


def documented():
    """Return the keys in the first column of the tables of config/README.md."""
    rows = re.findall(r"^\| (`[^|]*`) \|", (CONFIG / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    return [key for row in rows for key in re.findall(r"`([^`]+)`", row)]


def test_schema_is_in_date():
    assert (CONFIG / "schema" / "config.schema.json").read_text(encoding="utf-8") == json_schema(), "make schema-write"


def test_schema_is_closed_everywhere():
    schema = json.loads(json_schema())
    sections = [schema, *schema["$defs"].values()]
    assert [part["title"] for part in sections if part.get("additionalProperties") is not False] == []


def test_every_key_is_described_so_that_an_editor_shows_what_it_is():
    schema = json.loads(json_schema())
    sections = {"Study": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, part in sections.items()
        for key, said in part["properties"].items()
        if not said.get("description")
    ]
    assert silent == []


def test_default_config_writes_every_key_with_its_default():
    written = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    assert sorted(leaves(written)) == KEYS
    assert read_study(CONFIG / "config.yaml") == Study()


def test_default_config_is_in_the_order_of_the_settings():
    written = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    assert list(leaves(written)) == list(leaves(DEFAULTS))


def test_readme_explains_exactly_the_keys_there_are():
    views = DEFAULTS["overlap"]["views"]
    known = {".".join("NAME" if part in views else part for part in key) for key in KEYS}
    found = documented()
    assert sorted(found) == sorted(known)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_configs_are_valid(path):
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema/config.schema.json\n")
    read_study(path)
