"""Probes of several modes: any order of axes, mixtures, their shares of the power; several probes are refused."""

import numpy as np
import pytest
from known_scan import N, known_scan, object_of, probe_of, save

from ptychostudy.formats.probe_modes import MODES, mode_arrays, read_modes, read_probe
from ptychostudy.intake.any_file import look_into
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.first_settings import first_settings
from ptychostudy.intake.user import take_scan
from ptychostudy.intake.user_modes import mode_stack, window_sides
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.modes import power_shares
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.base import BaseSettings

SHARES = (0.7, 0.2, 0.1)


def modes_of(shares=SHARES):
    """Return modes that are orthogonal, for each has its own sign under mirrors."""
    y, x = (np.mgrid[:N, :N] - N // 2) / 4
    waves = [wave * probe_of() for wave in (1, x, y, x * y)]
    for wave in waves:
        wave[0], wave[:, 0] = 0, 0
    made = [np.sqrt(share) * wave / np.linalg.norm(wave) for share, wave in zip(shares, waves, strict=False)]
    return np.stack(made).astype(np.complex64)


def scan_with(modes):
    """Return a scan whose frames these modes make, and the modes as its probe."""
    scan = known_scan()
    positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
    far = intensities(object_of((88, 78)), modes, positions)
    counts = np.random.default_rng(0).poisson(far * 2e5 / far.sum(axis=(1, 2)).mean()).astype(np.uint32)
    return scan | {"counts": counts, "probeGuess": modes}


AXES = {
    "modes first": lambda modes: modes,
    "of pty-chi": lambda modes: modes[None],
    "of tike": lambda modes: modes[None, None],
    "modes last": lambda modes: np.moveaxis(modes, 0, -1),
    "modes last, one beyond": lambda modes: np.moveaxis(modes, 0, -1)[..., None],
}


@pytest.mark.parametrize("order", AXES)
@pytest.mark.parametrize("shares", [SHARES, (0.9, 0.1), (0.4, 0.35, 0.2, 0.05)], ids=str)
def test_modes_are_kept_with_their_shares(taken, order, shares):
    modes = modes_of(shares)
    scan = scan_with(modes)
    arrays, changes, said = taken(scan | {"probeGuess": AXES[order](modes)})
    np.testing.assert_array_equal(arrays[MODES], modes)
    np.testing.assert_allclose(arrays["probeGuess"], modes[0] / np.sqrt(shares[0]), rtol=1e-5)
    assert arrays["probeGuess"].dtype == np.complex64 and arrays["probeGuess"].shape == (N, N)
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert f"holds {len(shares)} modes; their shares of the power are {shares[0]:.1%}, {shares[1]:.1%}" in said
    assert "networks see the first one only" in said and ("along its last axis" in said) is ("last" in order)
    np.testing.assert_allclose(changes["mode_shares"], shares, atol=1e-5)


@pytest.mark.parametrize("order", AXES)
def test_the_side_of_modes_is_that_of_their_windows_in_any_order(folder, order):
    """It is that of the frames where the study leaves it open, and what `inspect` writes down."""
    modes = modes_of()
    given = AXES[order](modes)
    save("scan.npz", scan_with(modes) | {"probeGuess": given})
    npz = {"path": "scan.npz", "axes": "NHW"}
    base = BaseSettings(kind="npz", frames="measured", frame_px="auto", npz=npz)
    np.testing.assert_array_equal(take_scan("scan.npz", base)[0]["modes"], modes)
    larger = given.repeat(2, axis=given.shape.index(N)).repeat(2, axis=given.shape.index(N) + 1)
    save("larger.npz", scan_with(modes) | {"probeGuess": larger})
    assert first_settings(look_into(["larger.npz"])[0], ["larger.npz"]).base["frame_px"] == 2 * N


@pytest.mark.parametrize(
    "shape", [(8, 8), (8, 6), (3, 8, 8), (1, 3, 8, 8), (8, 8, 3), (8, 8, 1), (1, 8, 8, 3), (9, 8, 8)]
)
def test_sides_are_told_by_the_shape_alone(shape):
    stack = mode_stack(np.ones(shape, complex), 99, Doubts("a.npz"))
    assert window_sides(shape) == stack.shape[1:]


def mixture_of(modes):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(len(modes),) * 2) + 1j)[0]
    return np.tensordot(turn, modes, axes=1).astype(np.complex64)


@pytest.mark.parametrize("change", [mixture_of, lambda modes: modes[::-1], lambda modes: modes[[1, 0, 2]]])
def test_mixed_modes_and_modes_in_another_order_are_put_right(taken, change):
    modes = modes_of()
    arrays, changes, said = taken(scan_with(modes) | {"probeGuess": change(modes)})
    assert "made orthogonal and put in order of their power" in said
    np.testing.assert_allclose(changes["mode_shares"], SHARES, atol=1e-5)
    for found, right in zip(arrays[MODES], modes, strict=True):
        assert abs(np.vdot(found, right)) == pytest.approx(np.vdot(right, right).real, rel=1e-5)


def test_modes_without_light_and_copies_are_none(taken):
    modes = modes_of((0.8, 0.2))
    dark = np.concatenate([modes, np.zeros((1, N, N), np.complex64)])
    np.testing.assert_array_equal(taken(scan_with(modes) | {"probeGuess": dark})[0][MODES], modes)
    twice, _, said = taken(known_scan() | {"probeGuess": np.stack([probe_of(), 1j * probe_of()])})
    assert MODES not in twice and "100.0%" in said
    ratio = twice["probeGuess"][4:-4, 4:-4] / probe_of()[4:-4, 4:-4]
    np.testing.assert_allclose(np.abs(ratio), np.sqrt(2), rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, N, N), (1, 1, N, N), (N, N, 1), (1, 1, 1, 1, N, N)], ids=str)
def test_one_mode_is_a_probe(taken, same, shape):
    scan = known_scan()
    arrays, changes, said = taken(scan | {"probeGuess": scan["probeGuess"].reshape(shape)})
    same(arrays)
    assert changes == {} and said == "" and MODES not in arrays


@pytest.mark.parametrize("shape", [(2, 1), (2, 3), (3, 2), (2, 1, 3)], ids=str)
def test_several_probes_are_refused(refused, shape):
    probe = np.broadcast_to(probe_of(), (*shape, N, N)).copy()
    message = refused(known_scan() | {"probeGuess": probe})
    assert f"key 'probeGuess' has shape {probe.shape}: several probes, or modes that vary" in message
    assert "needed: the modes of one probe, (N, N) or (modes, N, N)" in message


def test_a_probe_for_each_frame_is_refused(refused):
    message = refused(known_scan() | {"probeGuess": np.broadcast_to(probe_of(), (80, N, N)).copy()})
    assert "one probe for each of 80 frames" in message


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda modes: np.abs(modes), "needed complex (N, N) or modes (k, N, N)"),
        (np.zeros_like, "is all zero"),
        (lambda modes: np.where(np.arange(3)[:, None, None] == 2, np.nan, modes), "NaN or infinite"),
        (lambda modes: modes[:0], "needed complex (N, N) or modes"),
        (lambda modes: modes[:, :, :-2], "has 32 x 30 pixels"),
    ],
)
def test_modes_that_are_none_are_refused(refused, change, part):
    assert part in refused(known_scan() | {"probeGuess": change(modes_of())})


def test_modes_go_with_a_simulation_too(taken):
    modes = modes_of()
    arrays, _, _ = taken(scan_with(modes) | {"objectGuess": object_of((88, 78))}, frames="simulate")
    np.testing.assert_array_equal(arrays[MODES], modes)
    assert "objectGuess" in arrays and "counts" not in arrays


def test_modes_of_canonical_files(tmp_path):
    modes = modes_of()
    write_npz(tmp_path / "a.npz", {"probeGuess": modes[0], MODES: modes})
    np.testing.assert_array_equal(read_probe(tmp_path / "a.npz"), modes)
    np.testing.assert_allclose(power_shares(read_modes(tmp_path / "a.npz", N)), SHARES, atol=1e-5)
    write_npz(tmp_path / "b.npz", {"probeGuess": modes[0]})
    assert read_modes(tmp_path / "b.npz", N) is None
    np.testing.assert_array_equal(read_probe(tmp_path / "b.npz"), modes[0])
    for wrong in (modes[0], modes[:, :16, :16], np.abs(modes), np.full_like(modes, np.nan)):
        write_npz(tmp_path / "c.npz", {"probeGuess": modes[0], MODES: wrong})
        with pytest.raises(DataError, match="'probeModes'"):
            read_modes(tmp_path / "c.npz", N)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("shares", [SHARES, (0.6, 0.4)], ids=str)
def test_a_canonical_file_read_again_keeps_its_modes(folder, suffix, shares):
    """What `base` writes of a scan is a scan, too."""
    modes = modes_of(shares)
    scan = scan_with(modes) | mode_arrays(modes)
    save(f"again{suffix}", scan)
    doubts = Doubts("again")
    base = BaseSettings(kind="npz", frames="measured", frame_px=N, npz={"path": "again", "axes": "NHW"})
    found, changes = take_scan(f"again{suffix}", base, doubts=doubts)
    np.testing.assert_array_equal(found["modes"], modes)
    np.testing.assert_array_equal(found["probe"], scan["probeGuess"])
    np.testing.assert_array_equal(found["counts"], scan["counts"])
    np.testing.assert_allclose(changes["mode_shares"], shares, atol=1e-5)
    assert "not used" not in " ".join(doubts.said) and "key 'probeGuess' holds" in " ".join(doubts.said)


def test_modes_of_another_probe_are_named_and_not_taken(taken, same):
    for other in (modes_of()[::-1], modes_of()[:, ::-1], modes_of()[0], np.abs(modes_of()), modes_of() * np.nan, 3.0):
        arrays, _, said = taken(known_scan() | {MODES: other})
        assert f"not used of this file: {MODES}" in said and MODES not in arrays
        same(arrays)


def test_modes_alone_are_a_probe(taken):
    scan = scan_with(modes_of())
    scan[MODES] = scan.pop("probeGuess")
    np.testing.assert_array_equal(taken(scan)[0][MODES], modes_of())
