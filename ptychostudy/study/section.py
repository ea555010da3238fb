"""What every section of a configuration shares: closed keys, and the types of its numbers."""

import re
from typing import Annotated, Any, Literal

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
SEEDS_END = 2**31
"""Seeds are below it: what every generator of NumPy, Keras and torch takes."""

Backend = Literal["tensorflow", "torch", "jax"]
"""What Keras computes with."""

Precision = Literal["auto", "float32", "bfloat16"]
"""What convolutions of the ancestor's network compute with."""

Seed = Annotated[int, Field(ge=0, lt=SEEDS_END)]
Dose = Annotated[int, Field(gt=0, le=10**9, description="mean detected photons per frame")]


# YAML 1.1 wants a point and a sign in an exponent; people write 1e3.
_EXPONENT = re.compile(r"[0-9]+e\+?[0-9]")


def _whole(values: Any) -> Any:
    """Take each 1e3 of a list, which YAML reads as text, as the number it is."""
    return [_number(value) for value in values] if isinstance(values, list) else values


def _number(value: Any) -> Any:
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return int(float(value))
    return value


def distinct(numbers: list[int]) -> list[int]:
    """Return numbers that all differ as they are; refuse others."""
    if len(set(numbers)) != len(numbers):
        raise ValueError("numbers that all differ")
    return numbers


# Each is a folder of the study, which there is only once.
Doses = Annotated[
    list[Dose], Field(min_length=1), BeforeValidator(_whole), AfterValidator(distinct)
]
Seeds = Annotated[
    list[Annotated[int, Field(ge=0, le=9999)]], Field(min_length=1), AfterValidator(distinct)
]
# Names of views are folders, and values of a wildcard in the paths of the rules.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]


def _holds_a_truth_value(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(each, bool) for each in values)


class Section(BaseModel):
    """A closed set of keys: an unknown or misspelt key is an error."""

    # Frozen, because defaults are shared between studies. Infinity is above every lower bound.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number_and_a_set_no_list(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        # For Python True is 1, so `epochs: yes` would train for one epoch.
        if kind is not bool and _holds_a_truth_value(value):
            raise ValueError("a number or a text, not true or false")
        # YAML has sets, which have no order.
        if isinstance(value, set):
            raise ValueError("a list, not a set")
        return value

    def plain(self) -> dict[str, Any]:
        """Return what is read of the section in JSON's types.

        For the command line, and for records of how a file was made.
        """
        return self.model_dump(mode="json")
