"""Import of each stage in a process of its own, beside Python's start with NumPy."""

from measuring import CEILING, CPU_S, TURNS, processor_s, python, row_of
from ptychostudy.__main__ import OF_RUNS, STAGES, TOLD


def rows(_):
    """Yield a row for each stage; NumPy's own start is measured once in each turn."""
    taken = {stage: [] for stage in STAGES}
    for _ in range(TURNS):
        plain = imported("numpy")
        for stage, pairs in taken.items():
            pairs.append((imported(f"ptychostudy.{room(stage)}.{stage}"), plain))
    for stage, pairs in taken.items():
        yield row_of(f"import of {stage}", pairs, (CEILING, "import of NumPy"), unit=CPU_S)


def room(stage):
    if stage in TOLD:
        return "telling"
    return "runs" if stage in OF_RUNS else "stages"


def imported(module):
    return processor_s(python("-c", f"import {module}"))
