"""What every section of a configuration shares: closed keys, and the types of its numbers."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=8192)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Dose = Annotated[int, Field(gt=0, le=10**9, description="mean detected photons per frame")]


def _whole(value: Any) -> Any:
    """Take 1e3, which YAML reads as text, as the number it is."""
    if not isinstance(value, list):
        return value
    return [
        int(float(v)) if isinstance(v, str) and re.fullmatch(r"[0-9]+e\+?[0-9]", v) else v
        for v in value
    ]


def distinct(numbers: list[int]) -> list[int]:
    """Return numbers that all differ as they are; refuse others."""
    if len(set(numbers)) != len(numbers):
        raise ValueError("numbers that all differ")
    return numbers


Doses = Annotated[
    list[Dose], Field(min_length=1), BeforeValidator(_whole), AfterValidator(distinct)
]
Seeds = Annotated[
    list[Annotated[int, Field(ge=0, le=9999)]], Field(min_length=1), AfterValidator(distinct)
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]


class Section(BaseModel):
    """A closed set of keys: an unknown or misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number_and_a_set_no_list(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        if kind is not bool and any(
            isinstance(v, bool) for v in (value if isinstance(value, list) else [value])
        ):
            raise ValueError("a number or a text, not true or false")
        if isinstance(value, set):  # YAML has sets, which have no order
            raise ValueError("a list, not a set")
        return value

    def plain(self) -> dict[str, Any]:
        """Return what is read of the section in JSON's types: for the command line, and for records of how a file was made."""
        return self.model_dump(mode="json")
