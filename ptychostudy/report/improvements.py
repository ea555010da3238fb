"""What would make the answer of a study surer: more seeds, a dose between, a wider range."""

import math
from collections.abc import Iterable, Sequence

from ptychostudy.measure.statistics import LEAST_VALUES
from ptychostudy.report.cells import Summary
from ptychostudy.report.markdown import photon_text
from ptychostudy.report.seeds import runs_of
from ptychostudy.report.usable import (
    Judged,
    lowest_usable,
    next_below,
    of_view,
    views_by_overlap,
)
from ptychostudy.study.arm_names import arms_of
from ptychostudy.study.names import PTYCHI

# Doses nearer than this enclose the answer closely enough.
_WIDEST_STEP = 3.0


def improvements(summary: Summary, judged: Sequence[Judged]) -> list[str]:
    """Return what to change in the study, as sentences with the keys to set; none needed: empty."""
    return [
        *_of_seeds(summary, judged),
        *_of_doses(summary, judged),
        *_of_solver(summary, judged),
        *_of_failures(judged),
    ]


def _of_seeds(summary: Summary, judged: Sequence[Judged]) -> list[str]:
    seeds = summary["seeds"]["list"]
    if len(seeds) < LEAST_VALUES:
        wanted = _more(seeds, LEAST_VALUES)
        return [f"More seeds: intervals need {LEAST_VALUES}. Set seeds to {wanted}."]
    open_ = [one for one in judged if not one.certain]
    if not open_:
        return []
    wanted = _more(seeds, 2 * len(seeds))
    return [
        f"More seeds: in {len(open_)} of {len(judged)} cases the interval reaches across a limit "
        f"({_places(open_)}). Set seeds to {wanted}."
    ]


def _more(seeds: Sequence[int], number: int) -> list[int]:
    """Return the seeds there are, and the next that are free."""
    free = (seed for seed in range(number + max(seeds) + 1) if seed not in seeds)
    return [*seeds, *(next(free) for _ in range(number - len(seeds)))]


def _places(judged: Iterable[Judged]) -> str:
    places: dict[str, list[str]] = {}
    for one in judged:
        place = f"{photon_text(one.dose)} photons, {one.cell['view']}"
        places.setdefault(place, []).append(one.arm)
    return "; ".join(f"{place}: {', '.join(arms)}" for place, arms in places.items())


def _of_doses(summary: Summary, judged: Sequence[Judged]) -> list[str]:
    """Return a dose for each gap between what is usable and what is not, and beyond either end."""
    between: dict[int, list[tuple[str, str]]] = {}
    beyond: dict[int, list[tuple[str, str]]] = {}
    doses = sorted({one.dose for one in judged})
    arms = arms_of(one.arm for one in judged)
    for view in views_by_overlap(summary):
        for arm in arms:
            descending = of_view(judged, view, arm)
            lowest, below = lowest_usable(descending), next_below(descending)
            name = (view, arm)
            if lowest and below and lowest.dose > _WIDEST_STEP * below.dose:
                between.setdefault(_middle(below.dose, lowest.dose), []).append(name)
            elif not below:
                beyond.setdefault(_rounded(doses[0] / 10), []).append(name)
            elif not lowest:
                beyond.setdefault(_rounded(doses[-1] * 10), []).append(name)
    return [
        *(_advice("between", dose, _by_view(names, arms)) for dose, names in between.items()),
        *(
            _advice(_end(dose, doses), dose, _by_view(names, arms))
            for dose, names in beyond.items()
        ),
    ]


def _advice(where: str, dose: int, names: str) -> str:
    return f"A dose {where}: add {photon_text(dose)} photons per frame to doses ({names})."


def _by_view(names: Iterable[tuple[str, str]], known: Sequence[str]) -> str:
    views: dict[str, list[str]] = {}
    for view, arm in names:
        views.setdefault(view, []).append(arm)
    return "; ".join(f"{view}: {_all_or_some(arms, known)}" for view, arms in views.items())


def _all_or_some(arms: Sequence[str], known: Sequence[str]) -> str:
    return "every arm" if len(arms) == len(known) else ", ".join(arms)


def _end(dose: int, doses: Sequence[int]) -> str:
    return "below, as all studied are usable" if dose < doses[0] else "above, as none is usable"


def _middle(low: int, high: int) -> int:
    return _rounded(math.sqrt(low * high))


def _rounded(value: float) -> int:
    """Return a dose of one digit, at least one photon."""
    power = 10.0 ** math.floor(math.log10(max(value, 1.0)))
    return max(1, round(round(value / power) * power))


def _of_solver(summary: Summary, judged: Sequence[Judged]) -> list[str]:
    cells = {id(one.cell): one.cell for one in judged}.values()
    runs = [runs_of(summary, cell, PTYCHI) for cell in cells]
    ended = sum(run["judged"] for run in runs)
    converged = sum(run["converged"] for run in runs)
    if converged == ended:
        return []
    return [
        f"{PTYCHI} had not converged in {ended - converged} of {ended} runs: "
        "raise reconstruct.epochs before comparing with it."
    ]


def _of_failures(judged: Sequence[Judged]) -> list[str]:
    failed = [one for one in judged if "failed" in one.reasons]
    if not failed:
        return []
    return [f"Arms that failed ({_places(failed)}): their reasons stand in the tables below."]
