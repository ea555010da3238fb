"""The section ``infer``, and what the stage of that name reads."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ptychostudy.study.section import Backend, Count, Precision, Section

Width = Annotated[int, Field(ge=2)]


class ShardSettings(Section):
    """In how many jobs and steps; what changes no result."""

    shards: Count = Field(1, description="file targets per arm")
    batch_size: Count = Field(16, description="groups per micro-batch; changes no result")


class PatchSettings(Section):
    """Which part of which patches goes onto the canvas; what changes a result."""

    window_px: Width | Literal["auto"] = Field(
        "auto", description="side M of the stitched centre of a patch; auto: as the scan needs it"
    )
    window: Literal["light", "uniform", "hann", "auto"] = Field(
        "auto",
        description="weight of a patch's pixels: their light, equal, or falling to the edge of the "
        "square; auto: light",
    )
    backend: Backend | Literal["numpy", "auto"] = Field(
        "auto",
        description="what computes the answers; auto: numpy for networks of canvases, tensorflow "
        "for those of groups",
    )
    precision: Precision = Field(
        "auto",
        description="of the ancestor's convolutions; auto: bfloat16 where the machine computes "
        "in it",
    )
    debug_limit: Count | None = Field(None, description="first n groups only")

    def plain(self) -> dict[str, Any]:
        """Return what is read; a key that came later makes no file of older studies stale."""
        unread = {"precision"} if self.precision == "auto" else set()
        return self.model_dump(mode="json", exclude=unread)


class StitchSettings(Section):
    """How patches are put together."""

    synchronise: bool = Field(
        True, description="one phase factor for each patch, found from the overlaps of all"
    )


# The order of the bases is that of the keys in config.yaml, from the last one up.
class InferSettings(StitchSettings, PatchSettings, ShardSettings):
    """Chunked inference and stitching."""
