"""Stage maximise: the greatest likelihood on the canvas of a view, plain and with a prior."""

from pathlib import Path
from typing import TYPE_CHECKING

from ptychostudy.formats.arm_product import canvas_arrays
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.records import write_json
from ptychostudy.recipes.maximise import maximise_view
from ptychostudy.runs.work import Work
from ptychostudy.study.names import PHYSICS, TV

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings


def run(
    settings: "MaximiseSettings",
    *,
    scan: Path,
    view: Path,
    physics: Path,
    smooth: Path,
    speed: Path | None = None,
    label: str = "",
) -> None:
    """Maximise the likelihood of the frames of a view with the known probe.

    Parameters
    ----------
    settings : MaximiseSettings
        Section ``maximise``.
    scan, view : Path
        Frames; frame indices.
    physics, smooth : Path
        Outputs: the object without a prior, and with total variation.
    speed : Path, optional
        Output: the seconds that each of them took, start-up apart.
    label : str
        Shown in progress lines.
    """
    frames = read_npz(view, ["frames"])["frames"]
    ends: list[float] = []
    with Work(f"likelihood {label}".rstrip()) as progress:

        def on_step(step: int, steps: int) -> None:
            ends.append(progress.seconds)
            progress.step(step, steps)

        estimates = maximise_view(open_scan(scan), frames, settings, on_step)
    for path, estimate in zip((physics, smooth), estimates, strict=True):
        write_npz(path, canvas_arrays(estimate.canvas), estimate.record)
    if speed is not None:
        # The second begins anew, and chooses its weight on the way.
        seconds = {PHYSICS: round(ends[0], 3), TV: round(ends[-1] - ends[0], 3)}
        write_json(speed, {"frames": len(frames), "seconds": seconds})
