import itertools
import mmap
import os

import numpy as np
import pytest

from sklearn_shapecnn._input.image_set import ImageSet


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "f2", "f4", ">f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_batch_is_float32_with_the_same_pixels(dtype, order):
    pixels = np.asarray(np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2) % 7, dtype=dtype, order=order)
    batch = ImageSet(pixels, (3, 4, 2)).batch(np.array([1]))
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    np.testing.assert_array_equal(batch, pixels[1:])


def test_reading_writes_nothing():
    pixels = np.full((3, 4), -0.0, dtype=np.float32)
    images = ImageSet(pixels, (2, 2, 1))
    images.fingerprints()
    images.batch(slice(None))[:] = 7
    assert np.signbit(pixels).all()
    assert (pixels == 0).all()


def test_batch_of_a_slice_can_be_written_without_changing_the_images():
    pixels = np.ones((3, 4), dtype=np.float32)
    pixels.flags.writeable = False
    batch = ImageSet(pixels, (2, 2, 1)).batch(slice(0, 2))
    batch[:] = 7
    assert (pixels == 1).all()


def test_fingerprints_are_those_of_the_pixels_whatever_the_dtype_or_the_block(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, size=(50, 6), dtype=np.uint8)
    pixels[7] = pixels[30]
    found = ImageSet(pixels, (2, 3, 1)).fingerprints()
    assert len(np.unique(found.digests, axis=0)) == 49
    np.testing.assert_allclose(found.means, pixels.mean(axis=1))
    np.testing.assert_allclose(found.mean_squares, (pixels.astype(float) ** 2).mean(axis=1))
    np.testing.assert_array_equal(found.lows, pixels.min(axis=1))
    np.testing.assert_array_equal(found.highs, pixels.max(axis=1))
    np.testing.assert_allclose(found.borders, pixels.mean(axis=1))  # no pixel is inside
    monkeypatch.setattr("sklearn_shapecnn._input.image_set.BLOCK_BYTES", 100)
    for dtype in ("f4", "f8", "i8"):
        others = ImageSet(np.asfortranarray(pixels, dtype=dtype), (2, 3, 1)).fingerprints()
        for name, values in vars(found).items():
            np.testing.assert_array_equal(vars(others)[name], values)


def test_zero_has_no_sign_in_fingerprints():
    digests = ImageSet(np.array([[0.0, 1.0], [-0.0, 1.0]]), (1, 2, 1)).fingerprints().digests
    assert digests.dtype == np.uint64
    np.testing.assert_array_equal(*digests)


@pytest.mark.parametrize("other", [1.0, -1e39])
def test_fingerprints_refuse_what_float32_cannot_hold(other):
    message = (
        r"^Input X contains infinity or a value too large for dtype\('float32'\), in which the "
        r"network computes; divide X by its largest value\.$"
    )
    with pytest.raises(ValueError, match=message):
        ImageSet(np.array([[1e39, other]]), (1, 2, 1)).fingerprints()


@pytest.mark.parametrize(
    ("n_bytes", "ends"),
    [(48, [2, 4, 5]), (47, [1, 2, 3, 4, 5]), (1, [1, 2, 3, 4, 5]), (10**6, [5])],
)
def test_blocks_are_as_large_as_they_may_be_in_float32(n_bytes, ends, monkeypatch):
    monkeypatch.setattr("sklearn_shapecnn._input.image_set.BLOCK_BYTES", n_bytes)
    blocks = list(ImageSet(np.zeros((5, 6), dtype=np.uint8), (2, 3, 1)).blocks())
    assert [block.start for block in blocks] == [0, *ends[:-1]]
    assert [block.stop for block in blocks] == ends


def test_pixels_in_the_memory_of_something_else():
    pixels = np.frombuffer(bytes(range(12)), dtype=np.uint8).reshape(2, 6)
    assert ImageSet(pixels, (2, 3, 1)).batch(slice(1, 2)).ravel().tolist() == list(range(6, 12))


def mapped(tmp_path, mode):
    path = tmp_path / "X.npy"
    np.save(path, np.arange(8_000_000, dtype=np.uint8).reshape(2000, 4000))
    return path, np.load(path, mmap_mode=mode)


@pytest.mark.skipif(
    not os.path.exists("/proc/self/smaps"), reason="only Linux tells how much of a file is resident"
)
def test_a_file_that_was_read_does_not_stay_in_memory(tmp_path):
    path, X = mapped(tmp_path, "r")
    images = ImageSet(np.asarray(X)[100:], (1, 4000, 1))

    def resident():
        with open("/proc/self/smaps") as lines:
            after = itertools.dropwhile(lambda line: str(path) not in line, lines)
            return next(int(line.split()[1]) for line in after if line.startswith("Rss:"))

    assert np.asarray(X).sum() > 0
    assert resident() > 7000  # kibibytes: this is how it would be
    images.fingerprints()
    images.batch(slice(0, 1900))
    images.spread(1000)
    assert resident() < 100


class Advised:
    """A map that notes the advice it gets, and may refuse it."""

    def __init__(self, error=None):
        self.advice, self.error = [], error

    def madvise(self, advice):
        self.advice.append(advice)
        if self.error is not None:
            raise self.error


def advice_on(pixels):
    """How often the system is told that it can drop the pages of some pixels."""
    images = ImageSet(pixels, (1, pixels.shape[1], 1))
    return images._file is not None


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="there is no such advice")
def test_advice_is_given_on_files_that_were_mapped_to_be_read_and_on_nothing_else(tmp_path):
    _, X = mapped(tmp_path, "r")
    for pixels in (X, X[5:], X[::-1], np.asarray(X)[3:, ::2], X.view("i1")):
        assert advice_on(pixels)
    with open(tmp_path / "X.npy", "rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    anonymous = np.frombuffer(mmap.mmap(-1, 4000), dtype=np.uint8).reshape(2, 2000)
    for pixels in (
        anonymous,
        anonymous.view(np.memmap),
        np.frombuffer(whole, dtype=np.uint8).reshape(2, -1),
        np.lib.stride_tricks.as_strided(X, (3, 4)),
        X.copy(),
        np.ones((2, 3)),
        *(mapped(tmp_path, mode)[1] for mode in ("r+", "c")),
    ):
        assert not advice_on(pixels)


def test_a_process_that_keeps_its_pages_in_memory_can_read_as_well():
    images = ImageSet(np.ones((3, 4)), (2, 2, 1))
    images._file = Advised(OSError("Invalid argument"))  # what Linux answers after mlockall
    assert (images.batch(slice(None)) == 1).all()
    assert images._file.advice


@pytest.mark.parametrize("n", [1, 5, 30, 99])
def test_spread_returns_original_images(tmp_path, n):
    _, X = mapped(tmp_path, "r")
    found = ImageSet(X, (1, X.shape[1], 1)).spread(n)
    every = max(1, len(X) // n)
    np.testing.assert_array_equal(found, np.asarray(X)[::every], strict=True)
    assert ImageSet(np.asarray(X).copy(), (1, X.shape[1], 1)).spread(n).shape == found.shape


LAYOUTS = {
    "one after the other": lambda X: X,
    "every third": lambda X: X[::3],
    "backwards": lambda X: X[::-1],
    "every other pixel": lambda X: X[:, ::2],
    "without the first pixel": lambda X: X[:, 1:],
    "pixel by pixel": lambda X: X.reshape(4000, 2000).T,
}
ROWS = {
    "scattered": np.arange(600, 0, -7),
    "few": np.array([5, 3]),
    "none": np.arange(0),
    "block": slice(90, 300),
    "every fifth": slice(None, None, 5),
    "backwards": slice(400, 20, -1),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_batch_from_a_file_has_the_pixels_of_its_rows(tmp_path, layout, rows):
    X = layout(mapped(tmp_path, "r")[1])
    found = ImageSet(X, (1, X.shape[1], 1)).batch(rows)
    expected = np.asarray(X)[rows].astype(np.float32)
    np.testing.assert_array_equal(found[:, 0, :, 0], expected, strict=True)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="there is no such advice")
@pytest.mark.parametrize(
    ("layout", "rows", "n_times"),
    [
        ("one after the other", "block", 1),
        ("one after the other", "scattered", 6),  # of 86 images, 16 at a time
        ("one after the other", "every fifth", 25),
        ("every third", "block", 14),
        ("without the first pixel", "block", 1),
        ("pixel by pixel", "scattered", 1),  # else the whole file would be read six times
    ],
)
def test_images_that_lie_apart_leave_memory_a_few_at_a_time(tmp_path, layout, rows, n_times):
    X = LAYOUTS[layout](mapped(tmp_path, "r")[1])
    images = ImageSet(X, (1, X.shape[1], 1))
    images._file = Advised()
    images.batch(ROWS[rows])
    assert len(images._file.advice) == n_times


def test_fingerprints_refuse_nan():
    with pytest.raises(ValueError, match=r"^Input X contains NaN"):
        ImageSet(np.array([[1.0, np.nan]]), (1, 2, 1)).fingerprints()


@pytest.mark.parametrize("mode", ["r+", "c"])
def test_reading_keeps_what_was_written_to_a_mapped_file(tmp_path, mode):
    _, X = mapped(tmp_path, mode)
    X[7] = 200
    images = ImageSet(X, (1, 4000, 1))
    images.batch(slice(0, 100))
    assert (images.batch(slice(7, 8)) == 200).all()
