"""Take guards, verdicts, bounds and scales out of the package, one at a time, and see whether a fast test fails.

    make mutations SEED=10 COUNT=20

Sites are found in the syntax tree and drawn at random with a seed: a condition that guards a `raise` or decides what is
returned is taken out, or a part of one; a bound (`min`, `max`, `clip`) or a colour limit is taken out; a threshold is
made ten times as large. Nothing is left out because it is hard to catch. Each is applied to a private copy of the
repository, where the fast tests run: those that import the mutated module first, then those that name it, then all
others; those that load TensorFlow or torch only where they name it or are of its kind; for the checks of the
verification also those on a whole small study. What survives is listed with its line: a missing test, or a change that
changes nothing, which only a reader can tell. The same seed draws the same sites only from the same package: keep the
commit.
"""

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".snakemake", "data", ".*_cache", ".hypothesis")
FAST = ("tests/unit", "tests/known_answers", "tests/stages")
# Of the faults, those that hand a stage what it must refuse; kills and campaigns say nothing about one guard.
BAD_INPUT = tuple(f"tests/faults/test_{name}.py" for name in ("bad_input", "hostile", "hostile_config", "writers"))
# One process for each: TensorFlow and torch never share one.
APART = ("test_networks_*.py", "test_iterative*.py", "test_referee_*.py")
LIMITS = {"vmin", "vmax"}
LIMIT_CALLS = {"set_xlim", "set_ylim", "set_clim"}
ENOUGH_S = 900
"""Seconds after which a group of tests is said not to end; without a mutation it takes a minute."""
BOUNDS = {"min", "max", "clip", "minimum", "maximum"}


@dataclass(frozen=True)
class Mutation:
    """What is put in the place of a piece of source."""

    path: Path
    kind: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source):
        """Return a source with the mutation in it."""
        data = source.encode()
        return (data[: self.start] + self.text.encode() + data[self.end :]).decode()


def sites(path):
    """Return every mutation of a module."""
    source = path.read_text(encoding="utf-8")
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []

    def add(kind, node, text, last=None):
        last = last or node
        start, end = starts[node.lineno - 1] + node.col_offset, starts[last.end_lineno - 1] + last.end_col_offset
        found.append(Mutation(path, kind, node.lineno, start, end, text))

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If | ast.IfExp):
            _condition(node, add)
        elif isinstance(node, ast.Call):
            _call(node, source, add)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            _threshold(node.value, add)
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            _threshold(node.comparators[0], add)
    return found


def _condition(node, add):
    body = node.body if isinstance(node, ast.If) else []
    raises = bool(body) and isinstance(body[-1], ast.Raise)
    decides = any(isinstance(each, ast.Return | ast.AugAssign | ast.Continue | ast.Break) for each in body)
    if raises or decides:
        add("guard taken out" if raises else "verdict taken out", node.test, "False")
    if isinstance(node.test, ast.BoolOp):
        joined = "or" if isinstance(node.test.op, ast.Or) else "and"
        for part in node.test.values:
            add("part of a condition taken out", part, "False" if joined == "or" else "True")


def _call(node, source, add):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in BOUNDS and len(node.args) >= 2 and not any(isinstance(arg, ast.Starred) for arg in node.args):
        add("bound taken out", node, f"({ast.get_source_segment(source, node.args[0])})")
    if name in LIMIT_CALLS:
        add("scale taken out", node, "None")
    for keyword in node.keywords:
        if keyword.arg in LIMITS:
            add("scale taken out", keyword.value, "None")


def _threshold(node, add):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value not in (0, 1, 2, -1):
        add("threshold times 10", node, repr(node.value * 10))


def modules():
    """Return the modules that are mutated: all but the command line, which has tests of its own kind."""
    return [path for path in sorted((ROOT / "ptychostudy").rglob("*.py")) if path.name != "__main__.py"]


def unmutated_tests_pass(folder):
    """Say whether the fast tests, run as they are for a mutation, pass without one."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
    try:
        return not _first_failure(tree, tree / "ptychostudy" / "provenance.py")
    finally:
        shutil.rmtree(tree)


def draw(seed, count):
    """Return mutations drawn without repetition; each kind comes as often as the package has it."""
    found = [site for path in modules() for site in sites(path)]
    return random.Random(seed).sample(found, min(count, len(found))), len(found)


def test_files(tree, module):
    """Return the groups of test files in the order in which they run: those that import the module come first."""
    files = [path for part in FAST for path in (tree / part).rglob("test_*.py")] + [tree / part for part in BAD_INPUT]
    text = {path: path.read_text(encoding="utf-8") for path in sorted(files)}
    ranks = {path: _rank(module.relative_to(tree), path, text[path]) for path in text}
    groups = []
    for rank in range(3):
        same = [path for path in text if ranks[path] == rank]
        apart = [path for path in same if any(path.match(pattern) for pattern in APART)]
        groups += [[path for path in same if path not in apart]]
        # The dear ones that do not name it have a say where the module is of their kind.
        kin = module.parent.name in ("networks", "iterative")
        groups += [[path] for path in apart if rank < 2 or (kin and module.parent.name in path.name)]
    # The checks of the verification are tried on a whole small study.
    if module.parent.name == "checks":
        groups.append([tree / "tests" / "workflow" / "test_verification.py"])
    return [group for group in groups if group]


def _rank(module, path, text):
    """Return 0 for a test file that imports the module or bears its name, 1 for one that names it, 2 for others."""
    parts = module.with_suffix("").parts[: -1 if module.stem == "__init__" else None]
    folder, name = ".".join(parts[:-1]), parts[-1]
    imported = rf"{re.escape(folder)}(\.{name}\b| import [^\n]*\b{name}\b)"
    if name in path.stem.removeprefix("test_") or re.search(imported, text):
        return 0
    return 1 if re.search(rf"\b{name}\b", text) else 2


def caught_by(mutation, folder):
    """Apply a mutation to a copy and return the first test that fails; nothing where it survives."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
    try:
        path = tree / mutation.path.relative_to(ROOT)
        path.write_text(mutation.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
        return _first_failure(tree, path)
    finally:
        shutil.rmtree(tree)


def _first_failure(tree, module):
    for group in test_files(tree, module):
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
        command += [str(path.relative_to(tree)) for path in group]
        options = {"cwd": tree, "env": _environment(tree), "text": True, "capture_output": True, "check": False}
        try:
            done = subprocess.run(command, timeout=ENOUGH_S, **options)
        except subprocess.TimeoutExpired:
            return f"does not end within {ENOUGH_S} s"
        if done.returncode < 0:
            sys.exit(f"pytest was killed by signal {-done.returncode}: try again with --only")
        if done.returncode not in (0, 5):  # 5: no test in these files
            failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
            return failed[0] if failed else f"exit status {done.returncode}"
    return ""


def _commit():
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def _environment(tree):
    return os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the drawn mutations to try; default all")
    options = parser.parse_args()
    chosen, total = draw(options.seed, options.count)
    print(
        f"seed {options.seed}: {len(chosen)} of {total} sites of {_commit()}\n\n| # | where | what | line | caught by |"
    )
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        if not unmutated_tests_pass(Path(folder)):
            sys.exit("the fast tests fail without any mutation; mend them first")
    survived = 0
    for number, mutation in enumerate(chosen, start=1):
        if options.only and number not in options.only:
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            test = caught_by(mutation, Path(folder))
        survived += not test
        where = f"{mutation.path.relative_to(ROOT)}:{mutation.line}"
        line = mutation.path.read_text(encoding="utf-8").splitlines()[mutation.line - 1].strip().replace("|", "\\|")
        print(
            f"| {number} | `{where}` | {mutation.kind}: `{mutation.text}` | `{line}` | "
            f"{f'`{test}`' if test else '**survived**'} ({time.monotonic() - start:.0f} s) |",
            flush=True,
        )
    print(f"\n{survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
