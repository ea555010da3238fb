"""Stage gate: print the result of a study; fail if the run is not sound. Whether an arm is useful fails nothing."""

from pathlib import Path

from rich.console import Console

from ptychostudy.io.records import read_json
from ptychostudy.io.text import write_text
from ptychostudy.report.closing import WIDTH, closing_lines, legend, usefulness_lines, verdict


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
    checks = read_json(report, ["all_valid", "n_checks", "validations"])
    found = read_json(summary, ["jobs", "arms", "seeds", "usefulness"])
    console, folder = Console(width=WIDTH, highlight=False, markup=False), summary.parent
    console.print(
        *closing_lines(found),
        *legend(found),
        "",
        *usefulness_lines(found),
        "",
        "Look at:",
        sep="\n",
    )
    plots = f"{folder}/dose_*/*/*/comparison_plot.png"
    console.print(
        *(
            f"  {p}"
            for p in (report, summary.with_suffix(".md"), *sorted(folder.glob("*.png")), plots)
        ),
        sep="\n",
    )
    failed, unknown = verdict(checks)
    console.print(*(f"could not check: {sentence}" for sentence in unknown), sep="\n")
    if checks["all_valid"] is not True:
        raise ValueError(
            f"{report}: the run is not sound: {len(failed)} of {checks['n_checks']} checks failed: {'; '.join(failed)}"
        )
    console.print(f"The run is sound: all {checks['n_checks']} checks valid")
    if output is not None:
        write_text(output, f"all {checks['n_checks']} checks valid\n")
