"""The workflow within another one, by Snakemake's ``module``: where its files and package lie."""

from collections.abc import Callable
from pathlib import Path

from ptychostudy.runs.preflight import PreflightError
from ptychostudy.runs.process import package_export
from ptychostudy.study import layout


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


def check_package(snakefile_folder: str, package_folder: Path) -> None:
    """Refuse a Snakefile that finds the package of another copy of the repository.

    Parameters
    ----------
    snakefile_folder : str
        Of the Snakefile; where it is no folder of this machine, the package is an installed one.
    package_folder : Path
        Holds the package that was imported.

    Raises
    ------
    PreflightError
    """
    beside = Path(snakefile_folder, "ptychostudy")
    if beside.is_dir() and not beside.samefile(package_folder / "ptychostudy"):
        raise PreflightError(
            f"{snakefile_folder}/Snakefile found the package of {package_folder}; needed: all "
            "modules of one workflow from one copy of ptychostudy"
        )


def shell_prefix(before: str, snakefile_folder: str) -> str:
    """Return what goes before each command of a workflow that has this one as a module.

    Its own commands are among them: for these it changes nothing but where Python looks last.

    Parameters
    ----------
    before : str
        What goes there now: Snakemake's, the other workflow's, or that of another such module.
    snakefile_folder : str
        As of `check_package`.
    """
    own = f"{package_export(snakefile_folder, first=False)}; "
    kept = before.replace("{", "{{").replace("}", "}}")
    # Formatted once, what was added for another module has half as many braces.
    known = own.replace("{{", "{").replace("}}", "}") in before
    is_here = Path(snakefile_folder, "ptychostudy").is_dir()
    return f"{kept}{own}" if is_here and not known else kept
