"""``python -m ptychostudy STAGE ...``: one stage by hand, no Snakemake needed.

The options of a stage are the keyword arguments of its ``run`` function, read from its source. Only that stage is
imported, and only once its options are right. Settings come as the workflow passes them, ``--settings JSON``, or from
the study's configuration, ``--config config/config.yaml``.
"""

import argparse
import ast
import importlib
import inspect
import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ptychostudy.runs.process import KEPT, Stopped, held_stderr, say, set_environment, stoppable
from ptychostudy.runs.progress import show_progress

STAGES = {
    "fetch": "get a published measured scan from the package index and convert it",
    "base": "object, probe and scan positions",
    "truth": "what simulated frames are scored against: their object",
    "reference": "what measured frames are scored against: their full-dose reconstruction",
    "simulate": "frames at one dose, for training and test",
    "overlap": "frames and groups of one view, and how much they overlap",
    "manifest": "the list of what was simulated; the overlap metrics of all views",
    "train": "one network",
    "reconstruct": "the iterative arm (pty-chi)",
    "infer": "one shard of groups through one network onto partial canvases",
    "stitch": "add the shards of one cell up to the canvas of one arm",
    "compare": "three arms and two controls against the truth",
    "picture": "the fields of one cell beside the truth",
    "summarize": "all tables and texts of the study from one source",
    "grid": "the phase-only grid of differences",
    "figures": "heat maps and dose and overlap curves",
    "check": "whether highlights, preview and grid say the same as the numbers",
    "inventory": "every file of the study with its size and sha256",
    "verify": "check every artifact and recompute its numbers",
    "gate": "print the result; fail if any check failed",
    "export": "one arm as a Ptychodus product",
    "blocked": "what stopped a run, from Snakemake's log, and how to continue",
    "archive": "move a finished or broken study aside",
}

OF_RUNS = ("blocked", "archive")
"""About runs of the workflow rather than its data: they live in `ptychostudy.runs`."""


def main(arguments: list[str] | None = None) -> int:
    """Run one stage.

    Returns
    -------
    int
        0; 2 after a message about bad input, a full disk or too little memory; 143 after SIGTERM, 130 after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] not in STAGES:
        return _overview(arguments)
    with stoppable():
        try:
            return _stage(arguments[0], arguments[1:])
        except (Stopped, KeyboardInterrupt) as stop:
            say(f"ptychostudy {arguments[0]}: stopped by {stop or 'Ctrl-C'}. {KEPT}")
            return 130 if isinstance(stop, KeyboardInterrupt) else 128 + signal.SIGTERM


def _stage(stage: str, rest: list[str]) -> int:
    """Import and run one stage with the options of its command line."""
    options = vars(_parser(stage, _declaration(stage)).parse_args(rest))
    set_environment(str(options.pop("threads")))
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("ptychostudy").setLevel(logging.INFO)
    show_progress()
    try:
        if "settings" in options:
            options["settings"] = _settings(stage, options, options.pop("config"))
        _check_inputs(rest)  # that an input is damaged is known before TensorFlow is imported
        with held_stderr():
            module = importlib.import_module(f"ptychostudy.{_room(stage)}.{stage}")
            getattr(module, "prepare", lambda: None)()
        module.run(**options)
    except (ValueError, OSError, MemoryError) as error:
        reason = f"out of memory ({error})" if isinstance(error, MemoryError) else error
        say(f"ptychostudy {stage}: {reason}")
        if os.environ.get("PTYCHOSTUDY_DEBUG"):
            traceback.print_exc()
        return 2
    return 0


def _room(stage: str) -> str:
    return "runs" if stage in OF_RUNS else "stages"


def _check_inputs(arguments: list[str]) -> None:
    """Refuse a file that changed since this program wrote it; what is not there yet is an output."""
    from ptychostudy.io.atomic import check_sums  # NumPy, which --help does not need

    check_sums(word for word in arguments if os.path.isfile(word))


def _overview(arguments: list[str]) -> int:
    wanted_help = arguments in ([], ["-h"], ["--help"])
    lines = ["usage: python -m ptychostudy STAGE [--help] ...", ""]
    lines += [f"  {name:<12} {text}" for name, text in STAGES.items()]
    if not wanted_help:
        lines += ["", f"unknown stage {arguments[0]!r}"]
    print("\n".join(lines), file=sys.stdout if wanted_help else sys.stderr)
    return 0 if wanted_help else 2


def _declaration(stage: str) -> Any:
    """Return ``run`` of a stage with its signature and docstring and nothing to run: the module may cost TensorFlow."""
    path = Path(__file__).parent / _room(stage) / f"{stage}.py"
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    (run,) = (
        node for node in statements if isinstance(node, ast.FunctionDef) and node.name == "run"
    )
    run.body = run.body[:1]  # the docstring
    for argument in run.args.args:
        argument.annotation = None  # the settings: their section is known by the stage's name
    names: dict[str, Any] = {
        "Any": Any,
        "Literal": Literal,
        "Path": Path,
    }  # all that a command line can say
    exec(compile(ast.Module([run], []), str(path), "exec"), names)
    return names["run"]


def _parser(stage: str, run: Any) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m ptychostudy {stage}",
        description=inspect.getdoc(run),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--threads", type=int, default=1, help="threads for arithmetic (default 1)")
    for name, parameter in inspect.signature(run).parameters.items():
        if name == "settings":
            source = parser.add_mutually_exclusive_group(required=True)
            source.add_argument(
                "--settings",
                help="JSON object of the stage's settings, or @FILE; as the workflow gives it",
            )
            source.add_argument(
                "--config",
                type=Path,
                help="by hand: the study's YAML, of which the stage takes its part",
            )
            continue
        required = parameter.default is inspect.Parameter.empty
        options: dict[str, Any] = {
            "required": required,
            "default": None if required else parameter.default,
        }
        kind = parameter.annotation
        if get_origin(kind) is list:
            options |= {"nargs": "*", "type": get_args(kind)[0]}
        elif get_origin(kind) is Literal:
            options |= {"choices": get_args(kind)}
        else:
            options |= {"type": next((k for k in get_args(kind) if k is not type(None)), kind)}
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, **options)
    return parser


def _settings(stage: str, options: dict[str, Any], config: Path | None) -> Any:
    """Return a stage's settings from its JSON, or from the configuration of the whole study."""
    # Only stages that have settings pay for pydantic.
    from ptychostudy.study.stage_settings import TRAIN, decode, stage_settings

    section = TRAIN[options["arm"]] if stage == "train" else stage
    if config is None:
        text = options["settings"]
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        return decode(section, text)
    from ptychostudy.study.settings import read_study

    study = read_study(config)
    if stage == "infer" and options["batch_size"] is None:
        options["batch_size"] = study.infer.batch_size  # no setting of the stage: see `rule infer`
    return stage_settings(study, section, options["view"] if stage == "overlap" else None)


if __name__ == "__main__":
    sys.exit(main())
