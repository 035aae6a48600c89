"""Train the classifier of the page "Draw a shape" and write what the page needs.

Sphinx calls :func:`build`. ``python docs/draw/model.py`` does the same by hand and then shows how
often wobbly strokes that were not trained on are told right.
"""

import base64
import hashlib
import json
import math
import pickle
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

import sklearn_shapecnn
from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

HERE = Path(__file__).parent
SHAPES = ("circle", "rectangle", "triangle")
SIDE = 72  # pixels, as make_shapes draws
FINE = 4  # pens draw on a raster this much finer, which is then averaged

RUNTIME = "onnxruntime-web@1.30.0"
RUNTIME_SHA512 = (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
# Its smallest build that computes without a GPU: the only one of its files without the extras.
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PAGE_FILES = ("draw.js", "draw.css", "onnxruntime-license.txt")


def train():
    """Fit a classifier to shapes from the generator and shapes drawn by an unsteady hand."""
    even, y_even = make_shapes(
        2000,
        shapes=SHAPES,
        size=(0.2, 0.9),
        aspect_ratio=(0.4, 1.0),
        filled=0.5,
        line_width=(0.02, 0.12),
        as_images=True,
        random_state=0,
    )
    wobbly, y_wobbly = draw_by_hand(5000, random_state=1)
    classifier = ShapeCNNClassifier(
        augment=["auto", "flips", "quarter_turns"], device="cpu", random_state=0
    )
    return classifier.fit(
        np.concatenate([even, wobbly]), np.concatenate([np.take(SHAPES, y_even), y_wobbly])
    )


def draw_by_hand(n_samples, random_state, wobble=1.0):
    """Draw shapes as people do: wobbly, round at the corners, not quite closed.

    Parameters
    ----------
    n_samples : int
        Number of images.
    random_state : int
        Seed of the images.
    wobble : float, default=1.0
        How unsteady the hand is.

    Returns
    -------
    X : ndarray of shape (n_samples, 72, 72), dtype float32
        The images, in 0..1.
    y : ndarray of shape (n_samples,), dtype str
        The names of the shapes.
    """
    rng = np.random.default_rng(random_state)
    names = rng.choice(SHAPES, n_samples)
    X = np.empty((n_samples, SIDE, SIDE), np.float32)
    for image, name in zip(X, names, strict=True):
        diameter = rng.uniform(14, 64)
        width = min(rng.uniform(1, 11), 0.2 * diameter)
        strokes = [diameter * stroke for stroke in _strokes(name, wobble, rng)]
        points = np.concatenate(strokes)
        low, high = points.min(0) - width / 2, points.max(0) + width / 2
        fit = min(1, *(SIDE / (high - low)))
        place = rng.uniform(0, SIDE - fit * (high - low)) - fit * low
        ink = _ink([fit * stroke + place for stroke in strokes], fit * width, rng.random() < 0.4)
        paper, pen = rng.uniform(0, 0.3), rng.uniform(0.6, 1)
        image[...] = paper + ink * (pen - paper)
    return X, names


def _strokes(name, wobble, rng):
    """The lines of one shape of diameter one, as arrays of points (x, y)."""
    n_points = 96
    if name == "circle":
        angle = np.linspace(0, 2 * math.pi, n_points, endpoint=False)
        outline = np.stack([np.cos(angle), rng.uniform(0.75, 1) * np.sin(angle)], 1) / 2
        starts = [0]
    else:
        corners = _triangle(rng) if name == "triangle" else _rectangle(wobble, rng)
        outline, starts = _walk_round(corners, n_points)
    # People hold most of what they draw level, but not all.
    steady = name == "rectangle" and rng.random() < 0.5
    turn = rng.normal(0, 0.1) if steady else rng.uniform(0, 2 * math.pi)
    outline = outline @ [[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]

    if len(starts) > 1 and rng.random() < 0.25:  # side by side, lifting the pen
        sides = np.split(outline, starts[1:])
        ends = [*(side[:1] for side in sides[1:]), sides[0][:1]]
        strokes = [np.concatenate([s, end]) for s, end in zip(sides, ends, strict=True)]
        return [
            stroke
            + wobble * _sway(len(stroke), rng) * len(stroke) / n_points
            + wobble * rng.normal(0, 0.02, 2)
            for stroke in strokes
        ]
    outline = _round_off(outline, rng.uniform(0, 0.03) * n_points)
    start = rng.choice(starts) if rng.random() < 0.7 else rng.integers(n_points)
    length = round(n_points * (1 + wobble * rng.uniform(-0.07, 0.08)))
    stroke = np.take(outline, start + np.arange(length), axis=0, mode="wrap")
    if rng.random() < 0.5:
        stroke = stroke[::-1]
    drift = np.linspace(0, 1, length)[:, None] * rng.normal(0, 0.03, 2)
    return [stroke + wobble * (_sway(length, rng) + drift)]


def _triangle(rng):
    while True:
        corners = rng.uniform(-1, 1, (3, 2))
        sides = np.roll(corners, -1, 0) - corners
        lengths = np.linalg.norm(sides, axis=1)
        cosines = -(sides * np.roll(sides, 1, 0)).sum(1) / (lengths * np.roll(lengths, 1))
        if cosines.min() > -0.42 and cosines.max() < 0.88:  # corners of 28 to 115 degrees
            return (corners - corners.mean(0)) / lengths.max()


def _rectangle(wobble, rng):
    half = np.array([1, rng.uniform(0.35, 1)])
    half /= 2 * np.linalg.norm(half)
    corners = half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    return corners + wobble * rng.normal(0, 0.025, (4, 2))


def _walk_round(corners, n_points):
    """Points along a polygon, evenly spaced, and which of them are corners."""
    closed = np.concatenate([corners, corners[:1]])
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    steps = np.linspace(0, way[-1], n_points, endpoint=False)
    points = np.stack([np.interp(steps, way, axis) for axis in closed.T], 1)
    return points, np.searchsorted(steps, way[:-1])


def _round_off(outline, reach):
    """Let each point be the mean of its neighbors, weighted by a bell curve."""
    offsets = np.arange(-10, 11)
    weights = np.exp(-0.5 * (offsets / max(reach, 0.1)) ** 2)
    weights /= weights.sum()
    return sum(
        w * np.roll(outline, int(offset), 0) for w, offset in zip(weights, offsets, strict=True)
    )


def _sway(length, rng):
    """Swing the hand slowly, and let it tremble a little."""
    t = np.linspace(0, 2 * math.pi, length)[:, None]
    sway = rng.normal(0, 0.004, (length, 2))
    for k in range(1, 7):
        sway += rng.normal(0, 0.02 / k, 2) * np.sin(k * t + rng.uniform(0, 2 * math.pi, 2))
    return sway


def _ink(strokes, width, filled):
    """How much of each pixel is covered by a pen of this width."""
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    pen = ImageDraw.Draw(canvas)
    radius = FINE * width / 2
    if filled:
        pen.polygon([tuple(point) for point in FINE * np.concatenate(strokes)], fill=255)
    for stroke in strokes:
        points = [tuple(point) for point in FINE * stroke]
        pen.line(points, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas.reduce(FINE), np.float32) / 255


class Inspected(torch.nn.Module):
    """The network, with what each of its stages found beside the scores."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        """Scores (n, n_classes) and the feature maps of each stage of images (n, 1, h, w)."""
        maps = self.network.forward_intermediates(images)
        return self.network.forward_head(maps[-1]), *maps


def export(classifier, path):
    """Write the network of a fitted classifier as ONNX."""
    network = classifier.net_.module_.eval()
    torch.onnx.export(
        Inspected(network),
        (torch.zeros(2, 1, SIDE, SIDE),),
        path,
        input_names=["images"],
        output_names=["scores", *(f"maps_{i + 1}" for i in range(len(network.stages)))],
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("n")},),
        external_data=False,
        verbose=False,
    )


def examples(classifier):
    """A few of the generator's images, each with what the classifier says of it."""
    found = []
    for filled in (True, False):
        X, y = make_shapes(
            3, shapes=SHAPES, size=(0.4, 0.7), filled=filled, shuffle=False, random_state=3
        )
        X = np.round(255 * X).astype(np.uint8)
        probabilities = classifier.predict_proba(X.reshape(-1, SIDE, SIDE) / np.float32(255))
        found += [
            {
                "shape": SHAPES[label],
                "filled": filled,
                "pixels": base64.b64encode(row.tobytes()).decode(),
                "probabilities": list(map(float, p)),
            }
            for row, label, p in zip(X, y, probabilities, strict=True)
        ]
    return {"classes": classifier.classes_.tolist(), "side": SIDE, "examples": found}


def fetch_runtime(folder):
    """Unpack what computes ONNX networks in a browser, as its makers published it."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            f'The page "Draw a shape" needs {RUNTIME}, which npm fetches, and npm was not found. '
            "Install Node.js from https://nodejs.org."
        )
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [npm, "pack", RUNTIME, "--silent"], cwd=scratch, check=True, stdout=subprocess.DEVNULL
        )
        (archive,) = Path(scratch).glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != RUNTIME_SHA512:
            raise RuntimeError(f"{RUNTIME} is not what it was: its SHA-512 is {digest}.")
        with tarfile.open(archive) as tar:
            for name in RUNTIME_FILES:
                with (
                    tar.extractfile(f"package/dist/{name}") as source,
                    open(folder / name, "wb") as target,
                ):
                    shutil.copyfileobj(source, target)


def build(folder):
    """Write what the page needs into a folder, and the classifier beside it.

    What is there and up to date is left as it is, so that only the first build of the site takes
    a minute or two.

    Parameters
    ----------
    folder : path-like
        Becomes `_static/draw/` in the site.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stamp, now = folder / "stamp.txt", _state()
    is_new = stamp.exists() and pickle_path(folder).exists() and stamp.read_text() == now
    if not is_new:
        stamp.unlink(missing_ok=True)
        fetch_runtime(folder)
        classifier = train()
        export(classifier, folder / "model.onnx")
        (folder / "examples.json").write_text(json.dumps(examples(classifier)))
        with open(pickle_path(folder), "wb") as file:
            pickle.dump(classifier, file)
        stamp.write_text(now)
    for name in PAGE_FILES:
        shutil.copy(HERE / name, folder)


def pickle_path(folder):
    """Where the classifier lies: beside the folder, so that it is no part of the site."""
    return Path(folder).parent / "classifier.pickle"


def _state():
    sources = [Path(__file__), *sorted(Path(sklearn_shapecnn.__file__).parent.rglob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest() + "\n"


def main():
    """Build, then try the classifier on strokes that it has not seen."""
    start = time.perf_counter()
    build(HERE / "built")
    print(f"Built in {time.perf_counter() - start:.0f} s.")
    with open(pickle_path(HERE / "built"), "rb") as file:
        classifier = pickle.load(file)
    for wobble in (0.5, 1.0, 1.5):
        X, y = draw_by_hand(3000, random_state=2, wobble=wobble)
        right = classifier.predict(X) == y
        each = ", ".join(f"{name} {right[y == name].mean():.4f}" for name in SHAPES)
        print(f"Wobble {wobble}: {right.mean():.4f} right ({each})")


if __name__ == "__main__":
    main()
