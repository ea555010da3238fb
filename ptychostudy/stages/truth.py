"""Stage truth: the simulated object, against which every arm is scored."""

from pathlib import Path

from ptychostudy import io


def run(*, base: Path, output: Path) -> None:
    """Pass the object and the probe of a simulated study on as truth.

    Parameters
    ----------
    base : Path
        ``base.npz`` of a study whose frames are simulated.
    output : Path
        ``reference.npz`` with ``objectGuess``, ``probeGuess`` and, in the metadata, ``truth``: ``simulated object``.

    Raises
    ------
    DataError
        If the base holds no object, as that of measured frames.
    """
    io.write_npz(output, io.read_npz(base, ["objectGuess", "probeGuess"]), {"truth": "simulated object"})
