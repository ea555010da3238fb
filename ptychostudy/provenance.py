"""Provenance: versions, the digest of a stage's own sources, and which files a study consists of."""

import ast
import functools
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from ptychostudy import __version__

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "numpy",
    "scipy",
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
    found = {"python": platform.python_version(), "ptychostudy": __version__}
    return found | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def threads() -> int:
    """Return the number of threads this process may use for arithmetic."""
    return int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))


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
    for path in import_closure(*modules):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(_normalised(path).encode())
    return digest.hexdigest()[:16]


def import_closure(*modules: str) -> list[Path]:
    """Return the sorted source files of this package that importing the modules may run."""
    pending = [path for module in modules for path in _files(module)]
    if not pending:
        raise ValueError(f"no source file for {modules}")
    seen: set[Path] = set()
    while pending:
        path = pending.pop()
        if path not in seen:
            seen.add(path)
            pending.extend(_imports(path))
    return sorted(seen)


def _files(module: str) -> list[Path]:
    """Return the file of a module and the __init__ files of its parents, which run too."""
    parts, found = module.split("."), []
    for depth in range(1, len(parts) + 1):
        stem = ROOT.joinpath(*parts[:depth])
        for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
            if candidate.is_file():
                found.append(candidate)
    return found


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@functools.cache
def _imports(path: Path) -> frozenset[Path]:
    names: set[str] = set()
    for node in _running(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return frozenset(
        file for name in names if name.startswith("ptychostudy") for file in _files(name)
    )


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node but those below ``if TYPE_CHECKING``, which never run."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            yield node
            pending.extend(ast.iter_child_nodes(node))


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    """Return the dotted name an import starts from; one leading dot is the file's own package."""
    if node.level == 0:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    return ".".join(
        [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
    )


def _normalised(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in ast.walk(tree):
        if isinstance(
            node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef
        ) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
