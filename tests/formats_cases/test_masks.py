"""Masks that a user brings: keys of the file and files of their own, both polarities, stacks, weights; what is left."""

import h5py
import numpy as np
import pytest
from known_scan import N, frames_of, known_scan, object_of, probe_of, save
from PIL import Image

from ptychostudy.intake.mask_file import read_mask_file
from ptychostudy.intake.masks import bad_by, meaning
from ptychostudy.io.atomic import DataError

HOT = ([3, 10, 25], [28, 5, 17])
PLACES = "3 of 1024 pixels, (row, col) (3, 28), (10, 5), (25, 17)"
# Key, and what it holds where pixels are bad.
MASKS = {"mask": 0, "bad_pixels": 1, "pixel_mask": 8, "valid_pixel_mask": 0, "weights": 0, "hot_pixels": 1}


def marked(bad, kind="u1", region=HOT):
    """Return a mask with one value for bad pixels and another for the rest."""
    mask = np.full((N, N), 1 if bad == 0 else 0).astype(kind)
    mask[region] = bad
    return mask


def spoilt(region=HOT, junk=300_000):
    """Return a scan with junk in some pixels, and its counts without."""
    scan = known_scan()
    right = scan["counts"].copy()
    scan["counts"][(slice(None), *region)] = junk
    return scan, right


# --- known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "bad"), [("bad_pixels", 1), ("pixel_mask", 7), ("valid_pixel_mask", 0), ("weights", 0), ("mask", 1)]
)
def test_polarity(key, bad):
    mask = np.full((4, 4), 1 if bad == 0 else 0)
    mask[1, 2] = bad
    assert np.argwhere(bad_by(key, mask)).tolist() == [[1, 2]]
    assert np.argwhere(bad_by("mask", 1 - (mask != 0))).tolist() == [[1, 2]]


def test_what_is_said_goes_before_what_is_rare_and_not_before_the_name():
    mask = np.zeros((4, 4))
    mask[0, 0] = 1
    assert [meaning("mask", mask, marks) for marks in ("auto", "bad", "good")] == ["bad", "bad", "good"]
    assert [meaning("pixel_mask", mask, marks) for marks in ("auto", "good")] == ["bad", "bad"]
    assert [meaning("weights", mask, marks) for marks in ("auto", "bad")] == ["good", "good"]


# --- keys of the file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", MASKS)
@pytest.mark.parametrize("kind", ["?", "u1", "i4", "f8"])
def test_masked_hot_pixels_change_nothing(masked, key, kind):
    scan, right = spoilt()
    changes, said = masked(scan | {key: marked(MASKS[key], kind)}, HOT, right)
    assert f"key {key!r} marks bad pixels" in said and f"{PLACES}; masked" in said
    assert PLACES in changes["masked"][0] and len(changes["masked"]) == 1
    assert ("those that are 0: as fewer are" in said) == (key == "mask")


@pytest.mark.parametrize("junk", [2**32 - 1, 300_000, 7])
def test_whatever_masked_pixels_hold_the_files_are_the_same_bytes(folder, taken, junk):
    scan, _ = spoilt(junk=junk)
    taken(scan | {"mask": marked(0)})
    spoilt_bytes = (folder / "base.npz").read_bytes()
    clean, _ = spoilt(junk=0)
    taken(clean | {"mask": marked(0)})
    assert (folder / "base.npz").read_bytes() == spoilt_bytes


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, 0.5], ids=str)
def test_masked_pixels_may_hold_what_no_photon_is(masked, value):
    scan, right = spoilt()
    scan["counts"] = scan["counts"].astype(float)
    scan["counts"][:40, HOT[0], HOT[1]] = value
    masked(scan | {"bad_pixels": marked(1)}, HOT, right, measurement="counts")


@pytest.mark.parametrize("key", MASKS)
@pytest.mark.parametrize("shape", [(N, N), (80, N, N), (1, N, N)], ids=str)
def test_a_mask_without_bad_pixels_is_said(taken, same, key, shape):
    mask = np.full(shape, 1 if MASKS[key] == 0 else 0, np.uint8)
    arrays, changes, said = taken(known_scan() | {key: mask})
    same(arrays)
    assert f"key {key!r} marks no bad pixel" in said
    assert "valid_pixels" not in arrays and changes == {}


@pytest.mark.parametrize("axes", ["NHW", "HWN"])
def test_bad_in_one_frame_is_bad_in_all(masked, axes):
    scan, right = spoilt()
    stack = np.zeros((80, N, N), bool)
    for frame, place in zip((0, 40, 79), zip(*HOT, strict=True), strict=True):
        stack[(frame, *place)] = True
    if axes == "HWN":
        scan["counts"], stack = (np.moveaxis(each, 0, -1) for each in (scan["counts"], stack))
    _, said = masked(scan | {"bad_pixels": stack}, HOT, right, axes=axes)
    assert "key 'bad_pixels' differs between frames" in said


def test_a_stack_on_the_grid_of_the_scan_is_taken_row_by_row(masked, refused):
    scan, right = spoilt()
    stack = np.zeros((8, 10, N, N), bool)
    for place, pixel in zip(((0, 0), (3, 9), (7, 2)), zip(*HOT, strict=True), strict=True):
        stack[(*place, *pixel)] = True
    scan["counts"] = scan["counts"].reshape(8, 10, N, N)
    assert "no mask of frames" in refused(scan | {"bad_pixels": stack[:7]}, axes="auto")
    masked(scan | {"bad_pixels": stack}, HOT, right, axes="auto")


def test_a_stack_that_is_the_same_for_all_frames_is_one_mask(masked):
    scan, right = spoilt()
    _, said = masked(scan | {"mask": np.repeat(marked(1)[None], 80, axis=0)}, HOT, right)
    assert "differs" not in said


def test_what_several_masks_and_the_frames_themselves_say_adds_up(masked):
    scan, right = spoilt(region=np.s_[14:16, :], junk=2**32 - 1)
    scan["counts"][:, 20, 4] = np.random.default_rng(0).poisson(1e6, 80)
    region = np.zeros((N, N), bool)
    region[14:16], region[20, 4], region[HOT] = True, True, True
    scan |= {"bad_pixels": marked(1, region=np.s_[3, 28]), "weights": marked(0, region=([10, 25], [5, 17]))}
    changes, said = masked(scan, region, right)
    assert len(changes["masked"]) == 4
    assert "68 of 1024 pixels are masked; doses are of the others" in said


def test_frames_with_their_centre_in_the_corner_take_their_mask_along(masked):
    scan, right = spoilt()
    region = np.zeros((N, N), bool)
    region[HOT] = True
    right, mask = np.fft.ifftshift(right, axes=(1, 2)), np.fft.ifftshift(region)
    scan["counts"] = np.fft.ifftshift(scan["counts"], axes=(1, 2))
    changes, _ = masked(scan | {"bad_pixels": mask}, mask, right, shift=(N // 2, N // 2))
    assert changes["rolled_px"] == [N // 2, N // 2]


@pytest.mark.parametrize("turn", [(0, 0), (N // 2, N // 2), (N // 2, 0)], ids=str)
@pytest.mark.parametrize("gap", [np.s_[14:16, :], np.s_[:, 12:15], np.s_[17:22, 10:14], np.s_[17:26, :]], ids=str)
def test_a_gap_hides_no_centre(masked, turn, gap):
    scan = known_scan()
    region = np.zeros((N, N), bool)
    region[gap] = True
    region = np.roll(region, turn, (0, 1))
    scan["counts"] = np.roll(scan["counts"], turn, axis=(1, 2))
    right = scan["counts"].copy()
    scan["counts"][:, region] = 2**32 - 1
    _, said = masked(scan, region, right, shift=turn)
    assert "off the centre" not in said


@pytest.mark.parametrize("accepted", [False, True])
def test_weights_are_a_mask_or_are_looked_at(masked, refused, accepted):
    scan, right = spoilt()
    weights = np.linspace(0.5, 1, N * N).reshape(N, N)
    weights[HOT] = 0
    if accepted:
        _, said = masked(scan | {"weights": weights}, HOT, right, accept=["weights"])
        assert "accepted (weights)" in said
    else:
        message = refused(scan | {"weights": weights})
        assert "weighs pixels by 0 to 1" in message and "base.npz.accept: [weights]" in message


@pytest.mark.parametrize(
    ("key", "mask", "part"),
    [
        ("mask", np.ones((N, N - 1)), "which is no mask of frames"),
        ("mask", np.ones((N, N), complex), "which is no mask of frames"),
        ("weights", np.ones(80), "which is no mask of frames"),
        ("mask", np.full((N, N), np.nan), "1024 values that are NaN or infinite"),
        ("mask", np.arange(N * N).reshape(N, N) % 2, "marks just half of the pixels"),
        ("mask", np.linspace(0, 1, N * N).reshape(N, N), "weighs pixels by 0 to 1"),
        ("bad_pixels", np.ones((N, N)), "the mask leaves no pixel"),
        ("bad_pixels", np.indices((N, N))[0] >= 12, "takes 62% of the pixels"),
        ("bad_pixels", (np.indices((N, N))[0] + 4) // 8 == 2, "takes 25% of the pixels, on which"),
    ],
)
def test_a_mask_that_is_none_or_leaves_too_little_is_refused(refused, key, mask, part):
    message = refused(known_scan() | {key: mask})
    assert part in message and "needed: " in message


def test_what_is_left_may_be_looked_at(masked):
    half = np.indices((N, N))[1] >= 15
    scan = known_scan()
    _, said = masked(scan | {"bad_pixels": half}, half, scan["counts"], accept=["mask"])
    assert "accepted (mask)" in said


def test_a_mask_of_the_light_itself_names_the_setting(refused, masked):
    """A disc of good pixels is fewer than the rest, and taken for bad: all light would be gone."""
    disc = np.hypot(*(np.indices((N, N)) - N // 2)) < 11
    scan = known_scan()
    assert "base.npz.mask_marks: good" in refused(scan | {"mask": disc})
    _, said = masked(scan | {"mask": disc}, ~disc, scan["counts"], mask_marks="good", accept=["mask"])
    assert "(those that are 0: base.npz.mask_marks: good)" in said


def test_a_mask_of_a_simulation_is_taken_with_its_object(taken):
    object_ = object_of((100, 90)).astype(np.complex64)
    scan = {key: value for key, value in known_scan().items() if key != "counts"}
    arrays, changes, said = taken(scan | {"objectGuess": object_, "mask": marked(0)}, frames="simulate")
    assert np.argwhere(~arrays["valid_pixels"]).tolist() == np.transpose(HOT).tolist()
    assert changes["masked_pixels"] == 3 and "masked" in said
    np.testing.assert_array_equal(arrays["objectGuess"], object_)


# --- a file of its own ------------------------------------------------------------------------------------------------


def write_mask(name, mask):
    """Write a mask as what its suffix says."""
    if name.endswith(".npy"):
        np.save(name, mask)
    elif name.endswith((".png", ".tif")):
        Image.fromarray((mask != 0).astype(np.uint8) * 255).save(name)
    else:
        save(name, {"mask": mask, "distance_m": np.float64(1.2)})


@pytest.mark.parametrize("name", ["m.npz", "m.h5", "m.npy", "m.png", "m.tif"])
@pytest.mark.parametrize("bad", [0, 1], ids=["good marked", "bad marked"])
@pytest.mark.parametrize("marks", ["auto", "said"])
def test_a_file_of_its_own(folder, masked, name, bad, marks):
    write_mask(name, marked(bad))
    scan, right = spoilt()
    settings = {} if marks == "auto" else {"mask_marks": "good" if bad == 0 else "bad"}
    changes, said = masked(scan, HOT, right, mask=name, **settings)
    assert f"{name}: key" in said and PLACES in changes["masked"][0]
    assert ("as fewer are" in said) == (marks == "auto")


def test_the_only_array_of_the_frames_shape_wherever_it_is(folder, masked):
    scan, right = spoilt()
    with h5py.File("m.h5", "w") as file:
        file["entry/instrument/detector/pixel_mask"] = marked(4, "u4")
        file["entry/instrument/detector/flatfield"] = np.ones((N, N + 1))
        file["entry/data/counts"] = np.ones((3, N, N))
    masked(scan, HOT, right, mask="m.h5")
    # By its last name marked pixels are bad, whatever the setting says of others.
    masked(scan, HOT, right, mask="m.h5", mask_marks="good")


def test_the_only_array_of_an_npz(folder, masked):
    scan, right = spoilt()
    np.savez("m.npz", dark=np.zeros((3, N, N)), detector=marked(1))
    _, said = masked(scan, HOT, right, mask="m.npz")
    assert "m.npz: key 'detector' marks bad pixels (those that are not 0: as fewer are)" in said


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        (
            {"a": np.ones((N, N)), "b": np.ones((N, N))},
            "holds several arrays that can be the mask, ['a', 'b']; needed: one",
        ),
        ({"a": np.ones((N, N + 1))}, "no mask of frames"),
        (
            {"a": np.ones((N, N + 1)), "b": np.ones((N + 1, N))},
            "holds several arrays that can be the mask, ['a', 'b']; needed: one",
        ),
        ({"a": np.ones((3, N, N))}, "holds no array of shape (32, 32)"),
        ({"mask": np.ones((N, N + 1))}, "no mask of frames"),
        ({"a": np.ones((N, N), complex)}, "holds no array of shape (32, 32)"),
    ],
)
@pytest.mark.parametrize("name", ["m.npz", "m.h5"])
def test_a_file_without_a_mask_is_refused_by_its_name(folder, refused, name, arrays, part):
    save("scan.npz", known_scan())
    save(name, arrays)
    message = refused_mask(refused, name)
    assert part in message


@pytest.mark.parametrize("shape", [(2 * N, 2 * N), (2 * N, N + 13), (N + 5, 2 * N)], ids=str)
@pytest.mark.parametrize("side", [N, None])
@pytest.mark.parametrize("name", ["m.npz", "m.h5"])
def test_the_only_array_may_be_of_a_detector_that_is_cut_to_the_study_s_side(folder, name, side, shape):
    mask = np.zeros(shape, np.uint8)
    mask[7, 30] = 1
    save(name, {"detector": mask, "dark": np.ones((3, *shape))})
    (found,) = read_mask_file(name, side).arrays.values()
    np.testing.assert_array_equal(found, mask)


def refused_mask(refused, name):
    """Return the message of a refusal that names the mask's file."""
    message = refused("scan.npz", mask=name)
    assert name in message
    return message


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("m.npy", b"\x93NUMPY\x01\x00broken", "not a readable NPY array"),
        ("m.png", b"no picture", "cannot be read as a picture"),
        ("m.txt", b"0 0 1", "neither an NPZ nor an HDF5 file"),
        ("m.npz", b"PK", "m.npz"),
    ],
)
def test_a_broken_file_is_refused_by_its_name(folder, refused, name, content, part):
    save("scan.npz", known_scan())
    (folder / name).write_bytes(content)
    assert part in refused_mask(refused, name)


def test_a_picture_of_many_greys_is_no_mask(folder, refused):
    save("scan.npz", known_scan())
    Image.fromarray(np.arange(N * N, dtype=np.uint8).reshape(N, N)).save("m.png")
    assert "a picture of 256 different greys" in refused_mask(refused, "m.png")


def test_key_and_file_give_the_same_scan_as_what_is_found_by_itself(folder, taken):
    """A dead row, hot pixels and dead ones, three ways."""
    positions = np.stack([known_scan()[key] for key in ("ycoords", "xcoords")], axis=1)
    clean = known_scan() | {"counts": frames_of(object_of((88, 78)), probe_of(), positions, 1e6)}
    region = np.zeros((N, N), bool)
    region[19], region[HOT], region[[14, 16], [15, 13]] = True, True, True
    scan = clean | {"counts": np.where(region, 0, clean["counts"]).astype(np.uint32)}
    scan["counts"][:, HOT[0], HOT[1]] = np.random.default_rng(0).poisson(1e6, (80, 3))
    np.save("m.npy", region)
    ways = [taken(scan), taken(scan | {"pixel_mask": region}), taken(scan, mask="m.npy")]
    for arrays, _, _ in ways:
        np.testing.assert_array_equal(arrays["valid_pixels"], ~region)
        np.testing.assert_array_equal(arrays["counts"], clean["counts"] * ~region)


def test_any_bytes_are_a_mask_or_refused(folder):
    rng = np.random.default_rng(0)
    accepted = 0
    for name in ("m.npy", "m.npz", "m.h5", "m.png"):
        write_mask(name, marked(1))
        good = np.frombuffer((folder / name).read_bytes(), np.uint8)
        for _ in range(60):
            data = good.copy()
            data[rng.integers(0, len(data), rng.integers(1, 5))] = rng.integers(0, 256)
            (folder / name).write_bytes(
                data[: rng.integers(1, len(data) + 1) if rng.random() < 0.3 else None].tobytes()
            )
            try:
                accepted += len(read_mask_file(name, N).arrays) > 0
            except DataError as error:
                assert name in str(error)
    assert 20 < accepted < 220
