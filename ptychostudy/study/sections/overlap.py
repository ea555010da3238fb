"""The section ``overlap``, and what the stage of that name reads."""

from typing import Literal

from pydantic import Field, model_validator

from ptychostudy.study.section import Count, Name, Section, Seed
from ptychostudy.study.sections.split import CutSettings


class ViewSettings(Section):
    """One way to sample the scan."""

    s_img: float | None = Field(None, gt=0, le=1, description="fraction of the frames kept")
    target_overlap: float | None = Field(
        None, gt=0, lt=1, description="wanted mean disc overlap (metric 2)"
    )
    n_subsample: Count | None = Field(None, description="number of frames kept")
    n_groups: Count | None = Field(None, description="groups; default one per frame")
    sequential: bool = Field(
        False, description="the first frames and groups in the order of the scan, none drawn"
    )

    @model_validator(mode="after")
    def _one_way(self) -> "ViewSettings":
        ways = (self.s_img, self.target_overlap, self.n_subsample)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                f"s_img is {self.s_img}, target_overlap is {self.target_overlap}, "
                f"n_subsample is {self.n_subsample}; needed: exactly one of the three"
            )
        return self

    @model_validator(mode="after")
    def _thinned_at_random(self) -> "ViewSettings":
        # The first frames of a scan overlap as all of them do.
        if self.sequential and self.target_overlap is not None:
            raise ValueError(
                f"sequential is true, target_overlap is {self.target_overlap}; needed: s_img or "
                "n_subsample, as only frames drawn from the whole scan overlap less"
            )
        return self


class ViewsSettings(Section):
    """The ways to sample the scan."""

    views: dict[Name, ViewSettings] = Field(
        default={"dense": ViewSettings(s_img=1.0), "sparse": ViewSettings(s_img=0.35)},
        min_length=1,
        description="ways to sample the scan, by name",
    )


class GroupSettings(Section):
    """How groups are drawn and overlap is measured, in every view."""

    gridsize: Literal[1, 2, 3] = Field(2, description="a group holds gridsize^2 frames")
    neighbor_count: Count = Field(7, description="K nearest neighbours a group is drawn from")
    metric_neighbor_count: Count = Field(6, description="K of metrics 1 and 2")
    enable_oversampling: bool = Field(False, description="allow more groups than frames")
    neighbor_pool_size: Count | None = Field(
        None, description="neighbours to draw from when oversampling; default K"
    )
    seed_grouping: Seed = Field(123, description="of the draw of groups")
    seed_subsampling: Seed = Field(456, description="of the choice of frames")

    @model_validator(mode="after")
    def _enough_neighbours(self) -> "GroupSettings":
        if self.neighbor_count < self.group_frames:
            raise ValueError(
                f"neighbor_count is {self.neighbor_count}, gridsize is {self.gridsize}; "
                f"needed: neighbor_count >= gridsize^2 = {self.group_frames} "
                "(K >= C, OVERSAMPLING-001)"
            )
        return self

    @model_validator(mode="after")
    def _enough_in_the_pool(self) -> "GroupSettings":
        pool = self.neighbor_pool_size
        if pool is not None and pool < self.group_frames:
            raise ValueError(
                f"neighbor_pool_size is {pool}, gridsize is {self.gridsize}; "
                f"needed: neighbor_pool_size >= gridsize^2 = {self.group_frames} "
                "(OVERSAMPLING-001)"
            )
        return self

    @model_validator(mode="after")
    def _pool_is_read(self) -> "GroupSettings":
        if self.neighbor_pool_size is not None and not self.enable_oversampling:
            raise ValueError(
                f"neighbor_pool_size is {self.neighbor_pool_size}, enable_oversampling is false; "
                "needed: enable_oversampling: true, or neighbor_count, which is K without it"
            )
        return self

    @property
    def group_frames(self) -> int:
        """Frames in one group, C."""
        return self.gridsize**2


# The order of the bases is that of the keys in config.yaml, from the last one up.
class OverlapSettings(GroupSettings, ViewsSettings):
    """Views, groups and the overlap metrics."""


class SamplingSettings(CutSettings, GroupSettings, ViewSettings):
    """What the stage ``overlap`` reads: one view, and how the scan is cut."""
