"""Which number becomes white."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import skops.io
import tifffile
from image_file_helpers import COLOR, GRAY, H, W
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.datasets import load_image_folder
from sklearn_shapecnn.images import ImageReader

ALL_GRAYS = np.arange(4096, dtype=np.uint16).reshape(64, 64)


@pytest.fixture
def scans(tmp_path):
    """Files of 16 bits that hold 12: the largest value of each is 1000, 4090 and 2000."""
    paths = [str(tmp_path / f"scan{i}.{end}") for i, end in enumerate(("png", "tif", "png"))]
    for path, largest in zip(paths, (1000, 4090, 2000), strict=True):
        pixels = np.linspace(0, largest, H * W).reshape(H, W).astype(np.uint16)
        Image.fromarray(pixels).save(path)
    return paths


@pytest.mark.parametrize(
    ("dtype", "white_level", "n_grays"),
    [
        ("uint8", "dtype", 17),
        ("uint8", 4095, 256),
        ("uint8", "collection", 256),
        ("float32", "dtype", 4096),
        ("float32", 4095, 4096),
        ("float32", "collection", 4096),
    ],
)
@pytest.mark.filterwarnings("ignore:The largest value in 1 images of 16 bits is 4095")
def test_how_many_grays_of_12_bits_are_left(tmp_path, dtype, white_level, n_grays):
    Image.fromarray(ALL_GRAYS).save(tmp_path / "image.png")
    reader = ImageReader((64, 64), dtype=dtype, white_level=white_level)
    X = reader.fit_transform([tmp_path / "image.png"])
    assert len(np.unique(X)) == n_grays
    if white_level != "dtype":
        assert X.max() == (255 if dtype == "uint8" else 1)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_dark_collections_warn_once(scans, dtype, n_jobs):
    reader = ImageReader((H, W), dtype=dtype, n_jobs=n_jobs)
    for read in (reader.transform, reader.fit_transform):
        with pytest.warns(UserWarning, match="The largest value") as warned:
            read(scans)
        assert len(warned) == 1
        assert warned[0].filename == __file__
        loss = " and dtype='uint8' keeps 17 grays" if dtype == "uint8" else ""
        assert str(warned[0].message) == (
            f"The largest value in 3 images of 16 bits is 4090, in {scans[1]}. White is 65535, so "
            f"all are dark{loss}. Set white_level=4095 if that is the largest value they can have, "
            f"or white_level='collection' to make their largest value white."
        )


@pytest.mark.parametrize(
    ("largest", "dtype", "suggested"),
    [
        (8191, np.uint16, 16383),
        (1023, np.uint16, 1023),
        (255, np.uint16, 255),
        (2, np.uint16, 255),
        (1, np.uint16, 1),
        (2**29 - 1, np.uint32, 2**32 - 1),
        (65535, np.uint32, 65535),
    ],
)
def test_what_to_write(largest, dtype, suggested):
    images = [np.full((H, W), largest, dtype=dtype), np.zeros((H, W, 3), dtype=dtype)]
    with pytest.warns(UserWarning, match=rf"is {largest}, in Image 0 .*white_level={suggested} "):
        ImageReader().transform(images)


@pytest.mark.parametrize(
    "images",
    [
        [np.full((H, W), 8192, dtype=np.uint16)],
        [np.full((H, W), 2**29, dtype=np.uint32)],
        [np.full((H, W), 9, dtype=np.uint16), np.full((H, W), 65000, dtype=np.uint16)],
        [np.zeros((H, W), dtype=np.uint16)],
        [np.full((H, W), 9, dtype=np.uint8)],
        [np.full((H, W), 0.01)],
        [np.zeros((H, W), dtype=bool)],
    ],
)
def test_no_false_alarm(images):
    ImageReader(dtype="uint8").transform(images)  # in the tests, warnings are errors


def test_a_number():
    deep = np.array([[0, 1000, 4095, 8190]], dtype=np.uint16)
    small = np.array([[0, 20, 63, 255]], dtype=np.uint8)
    images = [deep[:, :3], np.dstack([deep[:, :3]] * 3), small, small / 255, small > 30]
    X = ImageReader((1, 3), white_level=4095).transform(images[:2])
    np.testing.assert_allclose(X, [[[0, 1000 / 4095, 1]]] * 2, atol=1e-6)
    # What cannot hold the number keeps its own white.
    X = ImageReader((1, 4), white_level=4095).transform(images[2:])
    np.testing.assert_allclose(X, [small / 255, small / 255, small > 30], atol=1e-6)
    with pytest.warns(UserWarning, match="1 images have values above white_level=63"):
        X = ImageReader((1, 4), white_level=63.0).transform(images[2:])
    np.testing.assert_allclose(X[0], [[0, 20 / 63, 1, 1]], atol=1e-6)
    np.testing.assert_allclose(X[1:], [small / 255, small > 30], atol=1e-6)
    with pytest.warns(UserWarning) as warned:
        X = ImageReader((1, 4), white_level=4095).transform([deep, deep, deep + np.uint16(9)])
    assert len(warned) == 1
    assert str(warned[0].message) == (
        "3 images have values above white_level=4095, which became white: up to 8199, in Image 2 "
        "in X. To tell them apart, set white_level=8199 or more. The images: Image 0 in X, Image 1 "
        "in X, Image 2 in X."
    )
    np.testing.assert_allclose(X[0], [[0, 1000 / 4095, 1, 1]], atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK", "1"])
def test_a_number_for_each_kind_of_8_bits(tmp_path, mode):
    image = Image.fromarray(COLOR // 8)
    image = image.quantize(256) if mode == "P" else image.convert(mode)
    plain = ImageReader((H, W), as_gray=False).transform([image])[0]
    found = ImageReader((H, W), as_gray=False, white_level=127, background=0.5)
    if mode in ("CMYK", "1"):
        expected = plain if mode == "1" else np.minimum(plain * 255 / 127, 1)
    else:
        expected = plain * 255 / 127
    np.testing.assert_allclose(found.transform([image])[0], expected, atol=1e-5)


def test_where_zero_is_white(tmp_path):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, ALL_GRAYS, photometric="miniswhite")
    X = ImageReader((64, 64), white_level=4095).transform([path])[0]
    np.testing.assert_allclose(X, 1 - ALL_GRAYS / 4095, atol=1e-6)


def test_the_whole_collection(scans):
    reader = ImageReader((H, W), white_level="collection")
    X = reader.fit_transform(scans)
    assert reader.white_level_ == 4090
    np.testing.assert_allclose(X.max(axis=(1, 2)), np.array([1000, 4090, 2000]) / 4090, atol=1e-6)
    np.testing.assert_array_equal(reader.transform(scans[:1]), X[:1])  # not its own white
    np.testing.assert_array_equal(
        ImageReader((H, W), white_level=4090).transform(scans), reader.transform(scans)
    )
    with pytest.warns(UserWarning, match="1 images have values above white_level=4090.*up to 5000"):
        brighter = reader.transform([np.full((H, W), 5000, dtype=np.uint16)])
    np.testing.assert_array_equal(brighter, np.ones((1, H, W)))
    with joblib.parallel_config("loky", n_jobs=2):
        assert clone(reader).fit(scans).white_level_ == 4090


@pytest.mark.parametrize(
    ("images", "white"),
    [
        ([GRAY, GRAY // 2], 235),
        ([GRAY / 255, GRAY > 9], None),
        ([np.zeros((H, W), dtype=np.uint16)], 1),
        ([Image.fromarray(GRAY // 4), GRAY.astype(np.uint16)], 235),
        ([np.dstack([GRAY // 4, np.full((H, W), 255, np.uint8)])], 58),  # not the opacity
    ],
)
def test_the_largest_value_of_all_kinds(images, white):
    reader = ImageReader((H, W), white_level="collection").fit(images)
    assert reader.white_level_ == white
    assert np.isfinite(reader.transform(images)).all()


def test_it_must_be_fitted(scans):
    reader = ImageReader(white_level="collection")
    assert get_tags(reader).requires_fit
    assert not get_tags(ImageReader(white_level=4095)).requires_fit
    with pytest.raises(NotFittedError):
        reader.transform(scans)
    with pytest.raises(NotFittedError):
        check_is_fitted(reader)
    check_is_fitted(reader.fit(scans))
    with pytest.raises(NotFittedError):
        clone(reader).transform(scans)
    with pytest.raises(FileNotFoundError):
        reader.fit([*scans, "nowhere.png"])
    assert reader.white_level_ == 4090  # a failed fit changes nothing
    reader.set_params(white_level=4095).fit(scans)
    assert not hasattr(reader, "white_level_")
    assert ImageReader(white_level=4095).transform(scans).max() < 1


@pytest.mark.parametrize("white_level", ["dtype", 4095, "collection"])
def test_copies_read_alike(scans, white_level):
    pipeline = make_pipeline(ImageReader((H, W), white_level=white_level, as_rows=True), SVC())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(scans * 4, [0, 1, 2] * 4)
        expected = pipeline[0].transform(scans)
        stored = skops.io.dumps(pipeline)
        trusted = ["sklearn_shapecnn.images.reader.ImageReader"]
        for other in (pickle.loads(pickle.dumps(pipeline)), skops.io.loads(stored, trusted)):
            np.testing.assert_array_equal(other[0].transform(scans), expected)
            assert other.predict(scans).tolist() == [0, 1, 2]
            assert vars(other[0]).get("white_level_") == (
                4090 if white_level == "collection" else None
            )


@pytest.mark.filterwarnings("ignore:The largest value in")
@pytest.mark.filterwarnings("ignore:.* images have values above")
def test_a_search_over_it(scans):
    network = ShapeCNNClassifier(n_filters=2, max_iter=1, random_state=0)
    pipeline = make_pipeline(ImageReader((H, W)), network)
    grid = {"imagereader__white_level": ["dtype", 4095, "collection"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(scans * 4, [0, 1, 2] * 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(scans).shape == (3,)


def test_broken_files_are_passed_over(scans, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    paths = [*scans, str(tmp_path / "broken.png")]
    with pytest.raises(ValueError, match=r"broken.png is empty"):
        ImageReader(white_level="collection").fit(paths)
    reader = ImageReader((H, W), white_level="collection", on_error="nan").fit(paths)
    assert reader.white_level_ == 4090
    with pytest.warns(UserWarning, match=r"1 of 4 files cannot be read"):
        X = reader.transform(paths)
    assert np.isnan(X[3]).all()
    with pytest.raises(ValueError, match="Image 0 in X has the shape"):
        reader.fit([np.zeros((1, 2, 3, 4)), *paths])


def test_folders(tmp_path):
    for name, largest in (("a", 1000), ("b", 4090)):
        (tmp_path / name).mkdir()
        for i in range(2):
            pixels = np.full((H, W), largest + i, dtype=np.uint16)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    with pytest.warns(UserWarning, match=r"in 4 images of 16 bits is 4091, in .*1.png") as warned:
        load_image_folder(tmp_path)
    assert len(warned) == 1
    for white_level, white in ((4095, 4095), ("collection", 4091)):
        X, y = load_image_folder(tmp_path, white_level=white_level, return_X_y=True)
        np.testing.assert_allclose(X.max(axis=(1, 2))[:3] * white, [1000, 1001, 4090], atol=0.01)
        assert y.tolist() == [0, 0, 1, 1]
    (tmp_path / "a" / "0.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"0.png is empty"):
        load_image_folder(tmp_path, white_level="collection")
    with pytest.warns(UserWarning, match="1 of 4 files cannot be read"):
        folder = load_image_folder(tmp_path, white_level="collection", on_error="skip")
    assert folder.images.max() == 1
    with pytest.raises(ValueError, match="white_level"):
        load_image_folder(tmp_path, white_level="image")


@pytest.mark.parametrize("white_level", [0, -1, "image", None, [4095], np.nan, True])
def test_what_is_no_white_level(white_level):
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match="white_level"):
            getattr(ImageReader(white_level=white_level), method)([GRAY])
