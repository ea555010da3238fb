"""Sizes, words and contracts of the house: the budgets of CONTRIBUTING.md, measured."""

import ast
import re
import statistics
from pathlib import Path

import pytest

from ptychostudy.study import names

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    path: ast.parse(path.read_text(encoding="utf-8"), str(path))
    for path in sorted((ROOT / "ptychostudy").rglob("*.py"))
}
RULE_FILES = sorted((ROOT / "rules").glob("*.smk"))
# What rules ask of a configuration, and no rules.
WITHOUT_RULES = ("backends.smk", "common.smk", "foreign.smk", "networks.smk", "resources.smk")
STAGE_FILES = [path for path in RULE_FILES if path.name not in WITHOUT_RULES]
EMPTY_WORDS = re.compile(r"(^|_)(utils?|helpers?|misc|stuff|manager|new|v2|final)(_|$)")


def functions():
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def public_names():
    """Yield functions of modules and methods of classes whose names are public; what is nested in a function is not."""
    for path, tree in MODULES.items():
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        for node in [*classes, *(node for body in (tree, *classes) for node in body.body)]:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def lines_of(node):
    text = ast.get_docstring(node, clean=False)
    return node.end_lineno - node.lineno + 1 - (text.count("\n") + 1 if text else 0)


def rules_of(path):
    """Return the name and the lines of each rule of a file."""
    pieces = re.split(r"^(?=rule \w+:)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [(re.match(r"rule (\w+):", piece).group(1), piece.rstrip().splitlines()) for piece in pieces]


ALL_RULES = [(name, lines) for path in STAGE_FILES for name, lines in rules_of(path)]
# A rule without a command only collects files under a name.
WORKING = [(name, lines) for name, lines in ALL_RULES if "    shell:" in lines]


def test_files_are_short():
    sizes = {path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {str(path): n for path, n in sizes.items() if n > 300} == {}


TERMS = (ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.BinOp, ast.Subscript)
"""What a reader has to take in."""


def terms_of(node):
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return sum(isinstance(part, TERMS) for statement in body for part in ast.walk(statement))


def test_functions_are_plain():
    """Models of the field have a median of 14 to 27 terms a function and a 90th percentile of 71 to 124."""
    terms = [terms_of(node) for _, node in functions()]
    assert statistics.median(terms) <= 25
    assert statistics.quantiles(terms, n=10)[-1] <= 85


def lines_of_code(path):
    """Return number and text of the lines that are code: no docstring, import, signature or lone bracket."""
    left_out = set()
    for node in ast.walk(MODULES[path]):
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if isinstance(node, ast.FunctionDef):
            left_out.update(range(first, node.body[0].lineno))
        literal = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if literal or isinstance(node, ast.Import | ast.ImportFrom):
            left_out.update(range(first, last + 1))
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    numbered = [(number, line.strip()) for number, line in lines if number not in left_out]
    return [(number, line) for number, line in numbered if line.strip("()[]{},: ") and not line.startswith("#")]


def test_no_six_lines_stand_twice():
    seen, twice = {}, []
    for path in MODULES:
        code = lines_of_code(path)
        for k in range(len(code) - 5):
            six = tuple(line for _, line in code[k : k + 6])
            here = f"{path.relative_to(ROOT)}:{code[k][0]}"
            if seen.setdefault(six, here) != here:
                twice.append(f"{here} as {seen[six]}")
    assert twice == []


def test_functions_are_short():
    sizes = {where: lines_of(node) for where, node in functions()}
    assert {where: n for where, n in sizes.items() if n > 60} == {}
    # Budget 10: an even count can put the median half a line above it.
    assert statistics.median(sizes.values()) <= 10.5
    assert statistics.quantiles(sizes.values(), n=10)[-1] <= 30


def test_parameters_are_few():
    many = {}
    for where, node in functions():
        positional = [arg for arg in node.args.posonlyargs + node.args.args if arg.arg not in ("self", "cls")]
        if len(positional) > 5:
            many[where] = len(positional)
    assert many == {}


def test_everything_public_is_documented():
    missing = [str(path.relative_to(ROOT)) for path, tree in MODULES.items() if not ast.get_docstring(tree)]
    missing += [where for where, node in public_names() if not ast.get_docstring(node)]
    assert missing == []


def test_no_global_no_bare_except_no_assert_on_input():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {type(node).__name__}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global | ast.Assert) or (isinstance(node, ast.ExceptHandler) and node.type is None)
    ]
    assert found == []


# What a network's heads are called is no column of a table.
NAMED = {value: name for name, value in vars(names).items() if name.isupper() and isinstance(value, tuple)}
SPELT = [path for path in MODULES if path.name != "names.py" and path.parent.name not in ("networks", "study")]


def test_arms_splits_and_columns_are_spelt_once():
    wrong = []
    for path in SPELT:
        types = {id(node.slice) for node in ast.walk(MODULES[path]) if isinstance(node, ast.Subscript)}
        for node in ast.walk(MODULES[path]):
            if isinstance(node, ast.Tuple | ast.List) and id(node) not in types:
                value = tuple(getattr(element, "value", None) for element in node.elts)
                if value in NAMED:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} is study.names.{NAMED[value]}")
    assert wrong == []


def test_names_say_what_lives_there():
    assert [str(path.relative_to(ROOT)) for path in MODULES if EMPTY_WORDS.search(path.stem)] == []


@pytest.mark.parametrize("path", [ROOT / "Snakefile", *RULE_FILES], ids=lambda path: path.name)
def test_workflow_files_keep_their_budget(path):
    budget = {"Snakefile": 60, "common.smk": 150}.get(path.name, 120)
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= budget
    assert not re.search(r"\blambda\b|^\s+(run|script|message):", text, re.MULTILINE)


@pytest.mark.parametrize("path", STAGE_FILES, ids=lambda path: path.name)
def test_rule_files_open_with_their_contract(path):
    text = path.read_text(encoding="utf-8")
    contract = ast.get_docstring(ast.parse(text[: text.index('"""\n') + 4]))
    assert re.search(r"^in   ", contract, re.MULTILINE)
    assert re.search(r"^out  ", contract, re.MULTILINE)
    assert not re.search(r"^def ", text, re.MULTILINE)


def directives(lines):
    return {match.group(1) for line in lines if (match := re.match(r"    (\w+):", line))}


def test_rules_without_a_command_only_collect():
    assert len(WORKING) > 10
    assert {name: found for name, lines in ALL_RULES if "shell" not in (found := directives(lines)) != {"input"}} == {}


@pytest.mark.parametrize(("name", "lines"), WORKING, ids=[name for name, _ in WORKING])
def test_rules_are_whole(name, lines):
    assert len(lines) <= 40
    assert {"output", "log", "benchmark", "conda", "resources", "params", "shell"} <= directives(lines)
    text = "\n".join(lines)
    assert re.search(r"python -m ptychostudy \w+", text)
    assert not re.search(r"\{(input|output|log)\S*?(?<!:q)\}", text.split("shell:")[1])


def test_readme_is_short_and_its_graph_names_every_working_rule():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 120
    graph = re.search(r"```mermaid\nflowchart LR\n(.*?)```", text, re.DOTALL).group(1)
    assert set(re.findall(r"\w+", graph)) == {name for name, _ in WORKING}
