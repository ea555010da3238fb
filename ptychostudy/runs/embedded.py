"""The workflow as a ``module`` of another one: where its files and its package lie."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from ptychostudy import provenance
from ptychostudy.runs.liveness import STATE
from ptychostudy.runs.preflight import PreflightError
from ptychostudy.runs.process import package_export
from ptychostudy.study import layout

_PACKAGE = "ptychostudy"
_LINKED = STATE / "ptychostudy.package"


def hub(modify_path: Callable[[str], str]) -> str:
    """Return the folder that holds the study's folders, relative to the working directory.

    Parameters
    ----------
    modify_path : callable
        Takes a path as a rule writes it, and returns where the file lies: a module may have a
        ``prefix``.

    Raises
    ------
    PreflightError
        If the folders do not lie side by side: a study is read as a whole.
    """
    places = {folder: str(modify_path(f"{folder}/")) for folder in layout.FOLDERS}
    hubs = {place.removesuffix(f"{folder}/") for folder, place in places.items()}
    torn = [place for folder, place in places.items() if not place.endswith(f"{folder}/")]
    if torn or len(hubs) > 1:
        raise PreflightError(
            f"the module puts the study's folders into {', '.join(sorted(places.values()))}; "
            "needed: all in one folder, by `prefix` and not by `replace_prefix`"
        )
    return hubs.pop() or "."


def package_folder(source: str) -> Path:
    """Return a folder that holds the package for jobs, also in environments that have none.

    Parameters
    ----------
    source : str
        Folder of the Snakefile; where it is none of this machine, as of a Snakefile on GitHub, the
        package is an installed one. Beside that lies much that is not for other environments: a
        folder with a link to it alone is made in the working directory.

    Raises
    ------
    PreflightError
        If the package that was imported is another one than that beside the Snakefile.
    """
    beside = Path(source, _PACKAGE)
    if not beside.is_dir():
        return _linked(provenance.ROOT / _PACKAGE)
    if not beside.samefile(provenance.ROOT / _PACKAGE):
        raise PreflightError(
            f"{source}/Snakefile found the package of {provenance.ROOT}; needed: all modules of "
            "one workflow from one copy of ptychostudy"
        )
    return Path(source)


def _linked(installed: Path) -> Path:
    link = _LINKED / _PACKAGE
    if not (link.exists() and link.samefile(installed)):
        _LINKED.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        # Jobs of a cluster read the Snakefile, too.
        with contextlib.suppress(FileExistsError):
            link.symlink_to(installed)
    return _LINKED.absolute()


def shell_prefix(before: str, folder: Path) -> str:
    """Return what goes before each command of a workflow that has this one as a module.

    Its own commands are among them: for these it changes nothing but where Python looks last.

    Parameters
    ----------
    before : str
        What goes there now: Snakemake's, the other workflow's, or that of another such module.
    folder : Path
        Holds the package.
    """
    own = f"{package_export(folder, first=False)}; "
    kept = before.replace("{", "{{").replace("}", "}}")
    # Formatted once, what was added for another module has half as many braces.
    known = own.replace("{{", "{").replace("}}", "}") in before
    return kept if known else f"{kept}{own}"
