"""Stage truth: the simulated object, against which every arm is scored."""

from pathlib import Path

from ptychostudy.formats.probe_modes import mode_arrays, read_probe
from ptychostudy.io.arrays import read_npz, write_npz


def run(*, base: Path, output: Path) -> None:
    """Pass the object and the probe of a simulated study on as truth.

    Parameters
    ----------
    base : Path
        ``base.npz`` of a study whose frames are simulated.
    output : Path
        ``reference.npz`` with ``objectGuess``, ``probeGuess`` and, in the metadata, ``truth``:
        ``simulated object``; ``probeModes`` of a probe of several.

    Raises
    ------
    DataError
        If the base holds no object, as that of measured frames.
    """
    known = read_npz(base, ["objectGuess"]) | mode_arrays(read_probe(base))
    write_npz(output, known, {"truth": "simulated object"})
