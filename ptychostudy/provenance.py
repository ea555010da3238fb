"""Provenance: versions of what decides the numbers, and the digest of a stage's own sources."""

import ast
import functools
import hashlib
import importlib.metadata
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import ptychostudy

ROOT = Path(__file__).resolve().parent.parent
_PACKAGE = "ptychostudy"
# Fields of nodes that hold statements, or what in turn does: clauses of `try` and of `match`.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_Documented = ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef
PACKAGES = (
    "numpy",
    "scipy",
    "pyfftw",
    "numba",
    "scikit-image",
    "h5py",
    "keras",
    "tensorflow",
    "torch",
    "ptychi",
    "matplotlib",
)


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and the libraries that decide the numbers."""
    own = {"python": platform.python_version(), "ptychostudy": ptychostudy.__version__}
    return own | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def code_digest(*modules: str) -> str:
    """Return a digest of modules and of everything of this package that they import.

    Comments, docstrings and layout do not count: the syntax tree is hashed, without docstrings.

    Parameters
    ----------
    *modules : str
        Dotted names, such as ``ptychostudy.stages.train``.

    Returns
    -------
    str
        16 hex digits.
    """
    digest = hashlib.sha256()
    # In the order of their paths, not of the imports; and relative, so the folder does not count.
    for path in import_closure(*modules):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(_read(path)[1].encode())
    return digest.hexdigest()[:16]


def file_digests(*modules: str) -> dict[str, str]:
    """Return the digest of each file that counts for the `code_digest` of modules, by its path."""
    digests = {}
    for path in import_closure(*modules):
        content = _read(path)[1].encode()
        digests[path.relative_to(ROOT).as_posix()] = hashlib.sha256(content).hexdigest()[:16]
    return digests


def import_closure(*modules: str) -> list[Path]:
    """Return the sorted source files of this package that importing the modules may run."""
    pending = [path for module in modules for path in _files(module)]
    if not pending:
        raise ValueError(f"no source file for {modules}")
    closure: set[Path] = set()
    while pending:
        path = pending.pop()
        if path not in closure:
            closure.add(path)
            pending.extend(_read(path)[0])
    return sorted(closure)


def _files(module: str) -> list[Path]:
    """Return the file of a module and the __init__ files of its parents, which run too."""
    parts = module.split(".")
    candidates = []
    for depth in range(1, len(parts) + 1):
        stem = ROOT.joinpath(*parts[:depth])
        candidates += [stem.with_suffix(".py"), stem / "__init__.py"]
    return [path for path in candidates if path.is_file()]


def _imports(path: Path, tree: ast.Module) -> frozenset[Path]:
    files: set[Path] = set()
    for node in _statements(tree, _runs):
        for name in _imported(path, node):
            if name.startswith(_PACKAGE):
                files.update(_files(name))
    return frozenset(files)


def _imported(path: Path, node: ast.AST) -> list[str]:
    """Return the dotted names that a statement may import."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _absolute(path, node)
        # What is taken from a package may be a module of it, or a name in its __init__.
        return [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return []


def _runs(node: ast.AST) -> bool:
    """Return whether a node may run: what is below ``if TYPE_CHECKING`` never does."""
    return not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))


def _statements(
    tree: ast.AST, wanted: Callable[[ast.AST], bool] = lambda node: True
) -> Iterator[ast.AST]:
    """Yield a tree and all statements in it, but for unwanted ones and what they hold.

    No expression holds a statement, and nine nodes of ten are expressions.
    """
    pending = [tree]
    while pending:
        node = pending.pop()
        if wanted(node):
            yield node
            for field in _BLOCKS:
                pending.extend(getattr(node, field, ()))


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    """Return the dotted name an import starts from; one leading dot is the file's own package."""
    if node.level == 0:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    parts = list(package[: len(package) - node.level + 1])
    if node.module:
        parts.append(node.module)
    return ".".join(parts)


# A study asks for the digests of a dozen stages for every seed, which share most of their modules.
@functools.cache
def _read(path: Path) -> tuple[frozenset[Path], str]:
    """Return the files of this package that a file imports, and its syntax without docstrings.

    The tree is not kept: Python's search for garbage among the nodes of all files takes longer
    than to read these.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return _imports(path, tree), _normalised(tree)


def _normalised(tree: ast.Module) -> str:
    for node in _statements(tree):
        if isinstance(node, _Documented) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
