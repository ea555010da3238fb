"""The section ``arms``: reconstructions that other programs made of the frames of a study."""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field

from ptychostudy.study.aliases import canonical, is_ours
from ptychostudy.study.arm_names import OWN
from ptychostudy.study.names import CELL, CONTROLS
from ptychostudy.study.section import Section

_SEED = "seed"
_PLACES = (*CELL, _SEED)
# What stands in files beside arms, by names of its own.
_TAKEN = (*OWN, *CONTROLS, "truth", "mask", "origin")


def _free(name: str) -> str:
    """Refuse a name that something else has; files of some systems know no capitals."""
    if name.lower() in [taken.lower() for taken in _TAKEN]:
        raise ValueError(f"a name that is none of {', '.join(_TAKEN)}")
    # The stage score takes it for ours.
    if is_ours(canonical(name)):
        raise ValueError(f"another name, as {name} is one for {canonical(name)}")
    return name


def _pattern(text: str) -> str:
    """Refuse a pattern with anything in braces but what tells cells apart."""
    try:
        unknown = sorted(_named(text) - set(_PLACES))
    except ValueError as error:
        raise ValueError(f"a path with names in pairs of braces ({error})") from None
    if unknown:
        raise ValueError(f"only {_braced(_PLACES)} in braces, not {_braced(unknown)}")
    return text


def _named(pattern: str) -> set[str]:
    """Return what stands in braces in a pattern, with all that is said of its form."""
    found = set()
    for _, name, form, conversion in Formatter().parse(pattern):
        if name is not None:
            found.add(
                name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            )
    return found


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


ForeignName = Annotated[
    # As long as the tables on the terminal have room for.
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=16), AfterValidator(_free)
]
Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


Unregistered = Annotated[
    list[ForeignName], Field(description="of extra, those that stay on their whole pixels")
]


class AdoptSettings(Section):
    """What the stage ``adopt`` reads."""

    unregistered: Unregistered = []


class ArmsSettings(Section):
    """Reconstructions of other programs, as arms of their own."""

    extra: dict[ForeignName, Pattern] = Field(
        default={},
        description=(
            "name: path of one file a cell, relative to the hub, with {dose}, {view}, {split} "
            "and {seed} where they vary; path:KEY names the array"
        ),
    )
    unregistered: Unregistered = []

    def files(self, **cell: int | str) -> dict[str, str]:
        """Return the file of each extra arm in one cell of one seed, without the array's key.

        Parameters
        ----------
        **cell
            ``dose``, ``view``, ``split`` and ``seed``.
        """
        return {name: named[0] for name, named in self._named_arrays(cell).items()}

    def array_keys(self, **cell: int | str) -> dict[str, str]:
        """Return the key of each extra arm's array, empty where the format knows it."""
        return {name: named[1] for name, named in self._named_arrays(cell).items()}

    def _named_arrays(self, cell: Mapping[str, int | str]) -> dict[str, tuple[str, str]]:
        named = {}
        for name, pattern in self.extra.items():
            path, _, key = pattern.format(**cell).partition(":")
            named[name] = (path, key)
        return named


def check_arms(arms: ArmsSettings, varying: Mapping[str, Sequence[int | str]]) -> None:
    """Refuse extra arms of which two cells would have one file.

    Parameters
    ----------
    arms : ArmsSettings
    varying : mapping
        Values of dose, view, split and seed in the study.
    """
    lower = [name.lower() for name in arms.extra]
    if len(set(lower)) < len(lower):
        raise ValueError(f"arms.extra names {list(arms.extra)}; needed: names that all differ")
    unknown = sorted(set(arms.unregistered) - set(arms.extra))
    if unknown:
        raise ValueError(
            f"arms.unregistered names {unknown}; needed: some of arms.extra: {list(arms.extra)}"
        )
    for name, pattern in arms.extra.items():
        _check_varies(name, pattern, varying)


def _check_varies(name: str, pattern: str, varying: Mapping[str, Sequence[int | str]]) -> None:
    held = _named(pattern)
    for place, values in varying.items():
        if len(values) > 1 and place not in held:
            raise ValueError(
                f"arms.extra.{name} is {pattern!r}, {place} is one of "
                f"{', '.join(map(str, values))}; needed: {{{place}}} in the path, one file a cell"
            )
