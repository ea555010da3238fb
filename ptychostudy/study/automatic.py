"""What ``auto`` means before a scan is read: the numbers of the studies that are shipped.

A user's own scan has other steps, another probe and other numbers of frames than those: there
``auto`` stays, and is settled by the stage that has read what it depends on.
"""

from typing import TYPE_CHECKING, Any

from ptychostudy.study.sections.base import side_px

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study

AUTO = "auto"
_SHIPPED: dict[str, dict[str, Any]] = {
    "train_pinn": {"epochs": 3},
    "train_baseline": {"epochs": 10},
}
"""By stage; they suit the quick study, and were measured with it."""


def follows_scan(study: "Study") -> bool:
    """Say whether the scan is the user's own."""
    return study.base.kind == "npz"


def settled(study: "Study", stage: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a stage's section, ``auto`` replaced where nothing has to be read.

    Parameters
    ----------
    study : Study
    stage : str
        As in `ptychostudy.study.stage_settings`.
    values : dict
        By key.
    """
    if stage in ("base", "fetch"):
        return {**values, "frame_px": side_px(study.base) or AUTO}
    shipped = {} if follows_scan(study) else _SHIPPED.get(stage, {})
    # They were measured with networks of groups; those of canvases learn in so many steps.
    shipped = {} if values.get("architecture") == "canvas" else shipped
    chosen = {key: number for key, number in shipped.items() if values.get(key) == AUTO}
    return {**values, **chosen}


def asked_of_scan(study: "Study") -> dict[str, Any]:
    """Return what is asked of the scan of a file, so that it is refused before it costs much."""
    if not follows_scan(study):
        return {"split": None, "doses": None}
    measured = study.base.frames == "measured"
    return {"split": study.split, "doses": study.dose_list if measured else None}
