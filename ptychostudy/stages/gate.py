"""Stage gate: print the result of a study; fail if any check failed."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ptychostudy import io
from ptychostudy.core.closing import HEADER, final_rows, legend, verdict

_WIDTH = 110


def run(*, report: Path, summary: Path, output: Path | None = None) -> None:
    """Print the closing table, the files to look at, and whether the study is valid.

    Parameters
    ----------
    report, summary : Path
        ``verification_report.json``, ``metrics_summary.json``.
    output : Path, optional
        One line of text, written only if every check passed.

    Raises
    ------
    ValueError
        Naming the failed checks.
    """
    checks = io.read_json(report, ["all_valid", "n_checks", "validations"])
    found = io.read_json(summary, ["jobs", "arms"])
    console, folder = Console(width=_WIDTH, highlight=False, markup=False), summary.parent
    console.print(_table(found), legend(found), "", "Look at:", sep="\n")
    plots = f"{folder}/dose_*/*/*/comparison_plot.png"
    console.print(
        *(f"  {p}" for p in (report, summary.with_suffix(".md"), *sorted(folder.glob("*.png")), plots)), sep="\n"
    )
    failed, unknown = verdict(checks)
    console.print(*(f"could not check: {sentence}" for sentence in unknown), sep="\n")
    if checks["all_valid"] is not True:
        raise ValueError(f"{report}: {len(failed)} of {checks['n_checks']} checks failed: {'; '.join(failed)}")
    console.print(f"all {checks['n_checks']} checks valid")
    if output is not None:
        io.write_text(output, f"all {checks['n_checks']} checks valid\n")


def _table(found: dict) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in HEADER:
        table.add_column(name, justify="left" if name in ("View", "Model") else "right", no_wrap=True)
    for block in final_rows(found):
        for row in block:
            table.add_row(*row, end_section=row is block[-1])
    return table
