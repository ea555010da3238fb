"""Which module may import which: arrows between layers, heavy packages, cycles, files."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ptychostudy"
MODULES = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in sorted(PACKAGE.rglob("*.py"))}

# Room -> the rooms it may import beside itself. A name that is not here has no place in the package.
GROUND = ("study", "io")
PHYSICS = (*GROUND, "physics")
MEASURES = (*PHYSICS, "sampling", "measure")
HEAVY = ("networks", "iterative", "figures")
ALLOWED: dict[str, tuple[str, ...]] = {
    # For who checks types only: at run time its names come by name.
    "__init__": ("calls",),
    "study": (),
    "io": (),
    "provenance": (),
    "physics": ("study",),
    "sampling": ("study", "physics"),
    "measure": ("study", "physics", "sampling"),
    "formats": PHYSICS,
    "writing": (*PHYSICS, "formats"),
    "networks": (*PHYSICS, "sampling"),
    "iterative": PHYSICS,
    "report": ("study", "physics", "sampling", "measure"),
    "figures": ("study", "physics", "sampling", "measure", "report"),
    "recipes": (*MEASURES, "formats", *HEAVY),
    "intake": (*MEASURES, "formats", "recipes"),
    "runs": (*GROUND, "provenance"),
    "telling": (*GROUND, "provenance", "recipes", "runs"),
    "checks": (*MEASURES, "formats", "report"),
    "stages": (*MEASURES, "formats", "intake", "writing", "report", *HEAVY, "recipes", "checks", "runs", "provenance"),
    "calls": (*MEASURES, "formats", "intake", "recipes"),
    "__main__": (*GROUND, "provenance", "runs", "telling", "stages"),
}
# Package -> the rooms that import it, wherever in a file the import stands.
HOMES = {
    "tensorflow": ("networks",),
    "keras": ("networks",),
    "torch": ("iterative",),
    "ptychi": ("iterative",),
    "matplotlib": ("figures",),
    "h5py": ("io", "formats", "writing"),
    "zipfile": ("io", "formats"),
    "pydantic": ("study",),
}
PURE = ("physics", "sampling", "measure")
PURE_PACKAGES = {"numpy", "scipy", "skimage", "pyfftw", "numba", "ptychostudy"}
NOT_PURE = {"io", "logging", "os", "pathlib", "random", "shutil", "subprocess", "tempfile", "zipfile"}
FILE_CALLS = {"load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "fromfile", "memmap"}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {dotted(path) for path in MODULES}


def names_of(path: Path, node: ast.AST) -> list[str]:
    """Return the absolute dotted names an import statement brings in; modules of ours as exactly as they exist."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    package = path.relative_to(ROOT).parent.parts
    start = package[: len(package) - node.level + 1] if node.level else ()
    base = ".".join([*start, *([node.module] if node.module else [])])
    return [name if (name := f"{base}.{alias.name}") in KNOWN else base for alias in node.names]


def imports(path: Path, nodes: Iterator[ast.AST]) -> list[tuple[int, str]]:
    return [(node.lineno, name) for node in nodes for name in names_of(path, node)]


def everywhere(path: Path) -> list[tuple[int, str]]:
    return imports(path, ast.walk(MODULES[path]))


def test_the_walk_sees_the_package():
    assert len(MODULES) > 30
    assert ("ptychostudy.physics.propagate") in {name for path in MODULES for _, name in everywhere(path)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from . import losses", "ptychostudy.networks.losses"),
        ("from .losses import poisson", "ptychostudy.networks.losses"),
        ("from ..physics import counts", "ptychostudy.physics.counts"),
        ("from ptychostudy.physics.draws import generator", "ptychostudy.physics.draws"),
        ("import keras.ops as ops", "keras.ops"),
    ],
)
def test_names_are_resolved(line, expected):
    assert names_of(PACKAGE / "networks" / "models.py", ast.parse(line).body[0]) == [expected]


def test_every_module_belongs_to_a_layer():
    assert {layer_of(path) for path in MODULES} - set(ALLOWED) == set()


def test_arrows_point_one_way():
    wrong = []
    for path in MODULES:
        here = layer_of(path)
        for line, name in everywhere(path):
            target = name.split(".")[1] if name.startswith("ptychostudy.") else here
            if target not in (here, *ALLOWED.get(here, ())):
                wrong.append(f"{path.relative_to(ROOT)}:{line} {here} -> {target}")
    assert wrong == []


def test_packages_hand_nothing_on():
    """Who imports one module of a package would depend on all that its face hands on; digests would be of too much."""
    wrong = [path for path in MODULES if path.name == "__init__.py" and len(MODULES[path].body) > 1]
    assert wrong == [PACKAGE / "__init__.py"]  # the version


def test_modules_keep_their_names():
    """A module renamed on import is one word more for one thing."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {alias.name} as {alias.asname}"
        for path in MODULES
        for node in ast.walk(MODULES[path])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname and f"{names_of(path, node)[0].removesuffix('.' + alias.name)}.{alias.name}" in KNOWN
    ]
    assert wrong == []


def test_heavy_packages_have_one_home():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in MODULES
        for line, name in everywhere(path)
        if layer_of(path) not in HOMES.get(name.split(".")[0], (layer_of(path),))
    ]
    assert wrong == []


def test_pure_rooms_import_arrays_and_nothing_else():
    wrong = []
    for path in (path for path in MODULES if layer_of(path) in PURE):
        for line, name in everywhere(path):
            top = name.split(".")[0]
            if top in NOT_PURE or top not in PURE_PACKAGES | sys.stdlib_module_names:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def test_only_io_reads_and_writes_arrays():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} np.{node.attr}"
        for path in MODULES
        if layer_of(path) != "io"
        for node in ast.walk(MODULES[path])
        if isinstance(node, ast.Attribute)
        and node.attr in FILE_CALLS
        and isinstance(node.value, ast.Name)
        and node.value.id in ("np", "numpy")
    ]
    assert wrong == []


def test_no_cycle():
    """Imports that run when a module is imported; one inside a function runs later and may close a circle."""
    graph = {}
    for path, tree in MODULES.items():
        later = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
        at_import = (node for node in ast.walk(tree) if id(node) not in later)
        graph[dotted(path)] = {name for _, name in imports(path, at_import) if name in KNOWN}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_cycle_would_be_found():
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
