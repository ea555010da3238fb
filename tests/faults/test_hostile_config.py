"""Configurations that are bombs or no configurations: a `ConfigError` in less than two seconds."""

import time

import pytest

from ptychostudy.study.settings import parse_study, read_study
from ptychostudy.study.yaml_file import ConfigError

LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
)
TEXTS = {
    "aliases of aliases": (LAUGHS, "too large or too deep"),
    "aliases for doses": (f"{LAUGHS}simulate: {{doses: *a11}}\n", "too large or too deep"),
    "section in itself": ("base: &a {object: *a}", "too large or too deep"),
    "list in itself": ("doses: &a [*a]", "too large or too deep"),
    "five thousand brackets": ("[" * 5000, "brackets"),
    "nested braces": ("{a: " * 600 + "}" * 600, "brackets"),
    "nested 400 deep": ("doses: " + "[" * 400 + "]" * 400, "cannot be read as YAML|too large or too deep"),
    "a megabyte": ("study: " + "a" * 10**6, "characters"),
    "month 13": ("study: 2024-13-45", "cannot be read as YAML"),
    "5000 digits": ("base: {seed: " + "9" * 5000 + "}", "cannot be read as YAML"),
    "5000 hexadecimal digits": ("base: {seed: 0x" + "9" * 5000 + "}", "more than 2000 binary digits"),
    "call of a function": ('!!python/object/apply:os.system ["touch ran"]', "cannot be read as YAML"),
    "nothing": ("", "needed keys and values"),
    "control characters": ("\0\1", "cannot be read as YAML"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_file_of_configuration(tmp_path, name):
    text, part = TEXTS[name]
    (tmp_path / "study.yaml").write_text(text)
    start = time.process_time()
    with pytest.raises(ConfigError, match=part) as refused:
        read_study(tmp_path / "study.yaml")
    assert time.process_time() - start < 2
    assert "study.yaml" in str(refused.value) and len(str(refused.value)) < 1000
    assert not (tmp_path / "ran").exists()


def test_what_snakemake_passes_is_bounded_too():
    deep = []
    for _ in range(5000):
        deep = [deep]
    for config in ({"doses": deep}, {"doses": [1] * 10**5}, {"seeds": [10**5000]}):
        with pytest.raises(ConfigError, match="needed: "):
            parse_study(config)
