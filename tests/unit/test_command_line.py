"""The command line of a stage: what its types mean there, and how it ends."""

import inspect
from pathlib import Path
from typing import Literal

import pytest

from ptychostudy import __main__ as command_line
from ptychostudy.runs.process import Stopped


def declared(
    *, one: Path, many: list[Path], choice: Literal["a", "b"], maybe: int | None = None, name: str = "x"
) -> None: ...


def test_types_of_a_signature_are_options():
    arguments = {
        name: command_line._argument(parameter) for name, parameter in inspect.signature(declared).parameters.items()
    }
    assert arguments == {
        "one": {"required": True, "type": Path},
        "many": {"required": True, "nargs": "*", "type": Path},
        "choice": {"required": True, "choices": ("a", "b")},
        "maybe": {"default": None, "type": int},
        "name": {"default": "x", "type": str},
    }


@pytest.mark.parametrize(
    ("stop", "code", "reason"), [(KeyboardInterrupt(), 130, "Ctrl-C"), (Stopped("SIGTERM"), 143, "SIGTERM")]
)
def test_a_stage_that_is_stopped_says_by_what(monkeypatch, capfd, stop, code, reason):
    def stopped(*_):
        raise stop

    monkeypatch.setattr(command_line, "_stage", stopped)
    assert command_line.main(["gate"]) == code
    assert f"ptychostudy gate: stopped by {reason}. " in "".join(capfd.readouterr())


def test_settings_are_a_text_or_in_a_file(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert command_line._text(f"@{tmp_path / 'a.json'}") == command_line._text('{"a": 1}') == '{"a": 1}'
