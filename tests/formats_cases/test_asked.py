"""What a study asks of a user's scan, refused in `base`: before a reference is made of it."""

import numpy as np
import pytest
from known_scan import N, known_scan, object_of, probe_of, run_base, save

from ptychostudy.physics.counts import mean_counts
from ptychostudy.physics.probe_width import bright_diameter_px, width_px
from ptychostudy.physics.probes import make_probe, probe_diameter_px
from ptychostudy.sampling.split import split_scan


def with_tails(halo=0.08):
    """Return a probe with a bright core and light all over its window, about half of its power."""
    y, x = np.mgrid[:N, :N] - N / 2
    r = np.hypot(y, x)
    return (np.exp(-((r / 5) ** 4)) + np.sqrt(halo) * np.exp(-((r / 40) ** 2))).astype(np.complex64)


def parts_of(scan, **split):
    positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
    return split_scan(positions, bright_diameter_px(scan["probeGuess"]), **split)


@pytest.mark.parametrize("axis", ["y", "x"])
def test_how_many_frames_each_part_has_is_said(folder, caplog, axis):
    scan = known_scan(rows=14, cols=16)
    save("scan.npz", scan)
    assert run_base("scan.npz", split={"axis": axis}) == 0
    train, test = (len(part) for part in parts_of(scan, axis=axis).values())
    assert f"of 224 frames train {train}, test {test}, and {224 - train - test} (" in caplog.text
    assert f"about the cut along {axis}" in caplog.text and 0 < train + test < 224
    # The parts are cut by the probe of the reference, which `base` cannot know.
    assert f"along {axis}, as wide as the given probe; the study's is as wide as that of the reference" in caplog.text


def test_tails_do_not_widen_the_guard_band():
    """Half of the light in the tails: 99 % of it fill the window, the bright part is the core of the known width."""
    probe = with_tails()
    power = np.abs(probe) ** 2
    y, x = np.mgrid[:N, :N] - N / 2
    assert 0.3 < power[np.hypot(y, x) > 7].sum() / power.sum() < 0.7
    assert probe_diameter_px(probe) > N
    core = bright_diameter_px(with_tails(halo=0))
    assert bright_diameter_px(probe) == pytest.approx(core, abs=1.5) and 8 < core < 13


def test_a_disc_is_as_wide_either_way():
    probe = make_probe("disc", 64, diameter_px=30, curvature_rad=5.0)
    assert width_px(probe, "bright") == pytest.approx(30, abs=1.5)
    assert width_px(probe, "power") == probe_diameter_px(probe) == pytest.approx(30, abs=2.5)


def test_a_guard_band_that_takes_most_frames_is_refused(refused):
    message = refused(known_scan(), split={"guard_px": 40})
    train, test = (len(part) for part in parts_of(known_scan(), guard_px=40).values())
    assert f"of 80 frames train {train}, test {test}, and {80 - train - test} (" in message
    assert "guard band of 40 px" in message and "needed: at most half of them there (split.guard_px)" in message
    assert "base.npz.accept: [guard]" in message


def test_an_accepted_guard_band_is_taken(folder, caplog):
    save("scan.npz", known_scan())
    assert run_base("scan.npz", split={"guard_px": 40}, accept=["guard"]) == 0
    assert "accepted (guard)" in caplog.text and "as wide as" not in caplog.text


def test_a_cut_that_leaves_nothing_is_refused(refused):
    assert "scan.npz: the train part is empty" in refused(known_scan(), split={"fraction": 0.01})


def test_doses_above_what_was_measured_are_refused(refused):
    scan = known_scan()
    most = min(mean_counts(scan["counts"], part) for part in parts_of(scan).values())
    message = refused(scan, doses=(1000, int(most) + 1))
    assert f"simulate.doses asks for {int(most) + 1}; needed: at most {int(most)}" in message
    assert "in train" in message and "in test photons per frame" in message


def test_the_highest_dose_that_was_measured_is_taken(folder):
    scan = known_scan()
    save("scan.npz", scan)
    most = min(mean_counts(scan["counts"], part) for part in parts_of(scan).values())
    assert run_base("scan.npz", doses=(int(most),)) == 0


def test_doses_of_simulated_frames_know_no_bound(folder):
    scan = known_scan()
    del scan["counts"]
    save("scan.npz", scan | {"objectGuess": object_of((100, 100)).astype(np.complex64), "probeGuess": probe_of()})
    assert run_base("scan.npz", frames="simulate", doses=(10**9,)) == 0


def test_what_is_asked_changes_no_byte_of_the_base(folder):
    save("scan.npz", known_scan())
    written = []
    for doses, split in [((1,), {}), ((5, 7), {"fraction": 0.4})]:
        assert run_base("scan.npz", doses=doses, split=split) == 0
        with open("base.npz", "rb") as file:
            written.append(file.read())
    assert written[0] == written[1]
