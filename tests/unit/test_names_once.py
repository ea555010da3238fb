"""One word, one place: arms, splits, columns and paths are spelt once, and settings go by few names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import pytest

from ptychostudy.study import arm_names, layout, names

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ptychostudy"
MODULES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"), str(path))
    for path in sorted(PACKAGE.rglob("*.py"))
}
NAMES, LAYOUT = "study/names.py", "study/layout.py"
ARMS = (*names.ARMS, *names.CONTROLS)


def said(node: ast.AST) -> bool:
    """Whether a statement is a text by itself: a docstring, of a module's constant too."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk a module without its docstrings."""
    for child in ast.iter_child_nodes(tree):
        if not said(child):
            yield child
            yield from nodes(child)


def is_choice(node: ast.AST) -> bool:
    """Whether a node is `Literal[...]`."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"


def texts(node: ast.AST) -> list[Any]:
    """Return the values of the constants directly in a tuple, list, set, dictionary's keys or `Literal`."""
    if is_choice(node):
        return texts(node.slice) if isinstance(node.slice, ast.Tuple) else [getattr(node.slice, "value", None)]
    elements = node.keys if isinstance(node, ast.Dict) else node.elts
    return [getattr(element, "value", None) for element in elements]


def spelt(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and value of every text of a module, pieces of f-strings too."""
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def may_choose(module: str) -> bool:
    """Whether a module may write out a choice: the command line and the schema read it from the source."""
    return module.startswith(("stages/", "study/sections/"))


def choices(module: str) -> list[ast.Subscript]:
    """Return the choices that a module may write out: in a section, and in the signature of a stage's `run`."""
    if not may_choose(module):
        return []
    tree: ast.AST = MODULES[module]
    if module.startswith("stages/"):
        runs = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run"]
        tree = ast.Module([run.args for run in runs], [])
    return [node for node in nodes(tree) if is_choice(node)]


def written_out(module: str) -> set[int]:
    """Return the nodes within the choices of a module."""
    return {id(node) for choice in choices(module) for node in ast.walk(choice)}


# --- arms and splits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [module for module in MODULES if module != NAMES])
def test_arms_are_spelt_in_names_alone(module):
    allowed = written_out(module)
    wrong = [
        f"{module}:{node.lineno} {node.value!r}"
        for node in nodes(MODULES[module])
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in allowed
        if node.value.strip() in ARMS
    ]
    assert wrong == []


@pytest.mark.parametrize("module", [module for module in MODULES if module != NAMES])
def test_splits_are_spelt_in_names_alone(module):
    """As far as they mean splits: both together, or one compared with what is called a split."""
    allowed = written_out(module)
    wrong = []
    for node in nodes(MODULES[module]):
        if id(node) in allowed:
            continue
        if is_choice(node) or isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            together = set(names.SPLITS) <= {value for value in texts(node) if isinstance(value, str)}
        else:
            together = isinstance(node, ast.Compare) and is_split_compared(node)
        if together:
            wrong.append(f"{module}:{node.lineno}")
    assert wrong == []


def is_split_compared(node: ast.Compare) -> bool:
    sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
    return any("split" in side for side in sides) and any(side.strip("'") in names.SPLITS for side in sides)


def test_written_choices_are_those_of_names():
    known = {names.ARMS, names.SPLITS, arm_names.TRAINED, (*arm_names.TRAINED, names.UNTRAINED), arm_names.STARTS}
    written = {
        tuple(texts(choice)): module
        for module in MODULES
        for choice in choices(module)
        if {*ARMS, *names.SPLITS} & set(texts(choice))
    }
    assert set(written) == known


# --- columns ---------------------------------------------------------------------------------------------------------

TABLES = (names.METRIC_COLUMNS, names.CURVE_COLUMNS, names.HISTORY_COLUMNS)
NEIGHBOURS = {pair for columns in TABLES for pair in zip(columns, columns[1:], strict=False)}


@pytest.mark.parametrize("module", [module for module in MODULES if module != NAMES])
def test_columns_are_listed_in_names_alone(module):
    wrong = []
    for node in nodes(MODULES[module]):
        if isinstance(node, ast.Tuple | ast.List):
            listed = texts(node)
            if NEIGHBOURS & set(zip(listed, listed[1:], strict=False)):
                wrong.append(f"{module}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


# --- paths -----------------------------------------------------------------------------------------------------------

GROUPS = [value for value in vars(layout).values() if isinstance(value, tuple)]
SINGLE = [value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)]
ALL_NAMED = [path for path in (*SINGLE, *(path for group in GROUPS for path in group)) if "." in path]
FILES = {PurePath(path).name for path in ALL_NAMED if "{" not in PurePath(path).name}
PATH = re.compile(r"(data|analysis|seeds)/")


@pytest.mark.parametrize("module", [module for module in MODULES if module != LAYOUT])
def test_paths_are_spelt_in_layout_alone(module):
    wrong = [f"{module}:{line} {text!r}" for line, text in spelt(MODULES[module]) if PATH.match(text) or text in FILES]
    assert wrong == []


def rule_outputs() -> Iterator[str]:
    """Yield every path that a rule declares as its output."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"^    output:\n(.*?)^    \w+:", text, re.MULTILINE | re.DOTALL):
            yield from re.findall(r'"((?:data|analysis|products)/[^"]+)"', block)


NETWORK_FOLDERS = [layout.network_folder(network, "{view}", "{gridsize}") for network in arm_names.TRAINED]
# What each wildcard of a path stands for, where the rules or the layout write one path for several files.
SEVERAL = [
    ("products/", "{arm}", names.ARMS),
    ("data/inference/", "{arm}", names.INFERRED),
    ("data/phase_e/", "{network}", NETWORK_FOLDERS),
    ("data/phase_e/", "{name}", layout.TRAINED),
    ("data/phase_e/", "{trained}", ["{dose}"]),
    ("analysis/", "{name}", layout.COMPARED),
    ("data/phase_c/", "{split}", names.SPLITS),
]


def all_of(path: str) -> set[str]:
    """Return a path with some of its wildcards replaced by all that they stand for."""
    paths = {path}
    for folder, wildcard, values in SEVERAL:
        if path.startswith(folder):
            paths = {each.replace(wildcard, value) for each in paths for value in values}
    return paths


def test_outputs_of_the_rules_are_the_paths_of_the_layout():
    made = set().union(*map(all_of, rule_outputs()))
    # The ledger is written by the run itself; the templates of folders are no files.
    named = {path for path in ALL_NAMED if "/" in path and path != layout.LEDGER}
    named |= {layout.TRAINING, layout.COMPARISON}
    assert made == set().union(*map(all_of, named))


# --- settings --------------------------------------------------------------------------------------------------------

WAY_INTO_TRAINING = [
    "__main__.py",
    "study/stage_settings.py",
    "stages/train.py",
    "recipes/train.py",
    *(module for module in MODULES if re.fullmatch(r"networks/(config|training|steps|descent)\.py", module)),
]
# How a section is annotated, and the functions whose result is one, its text, or its keys and values.
SECTION = re.compile(r"(Settings|Section|Study)\b")
GIVE_SETTINGS = {"stage_settings", "read_study", "encode", "decode", "validated", "plain", "attrgetter"}
COPY = {"dict", "loads"}


def functions(module: str) -> list[ast.FunctionDef]:
    return [node for node in nodes(MODULES[module]) if isinstance(node, ast.FunctionDef)]


FUNCTIONS = {f"{module} {each.name}": each for module in WAY_INTO_TRAINING for each in functions(module)}
# All that the module of that name returns; what the command line calls so.
GIVE_SETTINGS |= {each.name for each in functions("study/stage_settings.py")} | {"_settings", "_text"}


def of_settings(node: ast.AST | None, holders: set[str]) -> bool:
    """Whether a value is a section, its text or its keys and values; a single setting (`settings.epochs`) is none.

    That is a name that holds one, a copy of that, what one of `GIVE_SETTINGS` returns, an entry `settings` of a
    dictionary, or one of these under a condition.
    """
    if isinstance(node, ast.Name):
        return node.id in holders
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.slice) == "'settings'"
    if isinstance(node, ast.IfExp):
        return of_settings(node.body, holders) or of_settings(node.orelse, holders)
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called in COPY:
        return any(of_settings(argument, holders) for argument in node.args)
    return called in GIVE_SETTINGS or of_settings(node.func, holders)


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def name_of(target: ast.expr) -> str:
    """Return how a variable is called; an entry of a dictionary by its key."""
    if isinstance(target, ast.Subscript):
        return ast.unparse(target.slice).strip("'")
    return ast.unparse(target).removeprefix("self.")


def holders_of(function: ast.FunctionDef, given: set[str]) -> set[str]:
    """Return the names in a function that hold settings.

    These are parameters that are given settings or annotated as a section, and what is assigned from such names.
    """
    held = given | {
        argument.arg
        for argument in parameters(function)
        if argument.annotation is not None and SECTION.search(ast.unparse(argument.annotation))
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and of_settings(node.value, held):
            held |= {name_of(target) for target in getattr(node, "targets", None) or [node.target]}
    return held


def given_to(function: ast.FunctionDef, known: dict[str, set[str]]) -> set[str]:
    """Return the parameters that some function on the way gives settings to."""
    own = [argument.arg for argument in parameters(function) if argument.arg not in ("self", "cls")]
    given = set()
    for where, caller in FUNCTIONS.items():
        for node in ast.walk(caller):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == function.name:
                words = [*zip(own, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]
                given |= {name for name, value in words if name and of_settings(value, known[where])}
    return given


def names_of_settings() -> dict[str, set[str]]:
    """Return for each function from the command line into training the names that hold settings there."""
    known: dict[str, set[str]] = {where: set() for where in FUNCTIONS}
    while True:
        wider = {where: holders_of(each, given_to(each, known) | known[where]) for where, each in FUNCTIONS.items()}
        if wider == known:
            return known
        known = wider


def test_the_search_sees_settings_by_whatever_name():
    code = "def f(a: 'PinnSettings', n: int):\n    b = a\n    c = dict(b)\n    d = c.steps\n    e = encode(c)"
    (function,) = ast.parse(code).body
    assert holders_of(function, set()) == {"a", "b", "c", "e"}
    assert holders_of(function, {"n"}) == {"a", "b", "c", "e", "n"}


def test_settings_go_by_few_names_from_the_command_line_into_training():
    held = names_of_settings()
    everywhere = set().union(*held.values())
    assert held["recipes/train.py train_network"] == held["stages/train.py run"] == {"settings"}
    assert held["study/stage_settings.py decode"] == {"text", "values"}
    assert len(everywhere) < 12, {where: names for where, names in held.items() if names}
