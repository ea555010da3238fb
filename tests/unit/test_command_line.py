"""The command line of a stage: what its types mean there, and how it ends."""

import inspect
import signal
import time
from pathlib import Path
from typing import Literal

import pytest

from ptychostudy import __main__ as command_line
from ptychostudy.runs import process
from ptychostudy.runs.process import Stopped


def declared(
    *,
    one: Path,
    many: list[Path],
    choice: Literal["a", "b"],
    maybe: int | None = None,
    name: str = "x",
    json: bool = False,
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
        "json": {"default": False, "action": "store_true"},
    }


def test_what_stands_alone_may_be_left_out_where_it_has_a_default():
    plan = command_line._parser("plan", command_line._declaration("plan"))
    assert list(vars(plan.parse_args([]))["target"]) == [] and plan.parse_args(["a", "b"]).target == ["a", "b"]
    explain = command_line._parser("explain", command_line._declaration("explain"))
    with pytest.raises(SystemExit):
        explain.parse_args([])


@pytest.mark.parametrize(
    ("stop", "code", "reason"), [(KeyboardInterrupt(), 130, "Ctrl-C"), (Stopped("SIGTERM"), 143, "SIGTERM")]
)
def test_a_stage_that_is_stopped_says_by_what(monkeypatch, capfd, stop, code, reason):
    def stopped(*_):
        raise stop

    monkeypatch.setattr(command_line, "_stage", stopped)
    assert command_line.main(["gate"]) == code
    assert f"ptychostudy gate: stopped by {reason}. " in "".join(capfd.readouterr())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_that_a_library_took_for_an_error_of_its_own_stays_a_stop(monkeypatch, capfd, number, code):
    """As pydantic does: a signal while it builds a section ends as its own SchemaError."""

    def mistaken(*_):
        try:
            signal.raise_signal(number)
        except BaseException as stop:
            raise ValueError("something is wrong") from stop

    monkeypatch.setattr(command_line, "_stage", mistaken)
    # Ctrl-C is ignored in what a shell starts in the background, these tests among it.
    ours = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}[number]
    before = signal.signal(number, ours)
    try:
        assert command_line.main(["gate"]) == code
        assert "ptychostudy gate: stopped by" in "".join(capfd.readouterr())
        assert signal.getsignal(number) is ours
    finally:
        signal.signal(number, before)


def test_a_stop_that_comes_while_a_refusal_is_said_stays_a_stop(monkeypatch, capfd):
    def refused(*_):
        raise ValueError("something is wrong")

    monkeypatch.setattr(command_line, "_stage", refused)
    monkeypatch.setattr(command_line, "say_refusal", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert command_line.main(["gate"]) == 143
    assert "ptychostudy gate: stopped by SIGTERM" in "".join(capfd.readouterr())


class Finalized:
    """Is stopped in its finalizer, from where no exception comes."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_comes_in_a_finalizer_comes_again(monkeypatch, capfd):
    went_on = []

    def stage(*_):
        Finalized()
        went_on.append(True)
        time.sleep(30)

    monkeypatch.setattr(process, "AGAIN_S", 0.2)
    monkeypatch.setattr(command_line, "_stage", stage)
    start = time.monotonic()
    assert command_line.main(["gate"]) == 143
    assert went_on and time.monotonic() - start < 10
    assert "ptychostudy gate: stopped by SIGTERM" in "".join(capfd.readouterr())
    # Nothing comes after the end.
    time.sleep(0.5)


def test_settings_are_a_text_or_in_a_file(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert command_line._text(f"@{tmp_path / 'a.json'}") == command_line._text('{"a": 1}') == '{"a": 1}'
