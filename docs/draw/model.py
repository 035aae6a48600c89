"""Train the classifier of the page "Draw a shape" and write what the page needs.

Sphinx calls :func:`build`. ``python docs/draw/model.py`` does the same by hand and then shows how
often the classifier is right about drawings by another hand than the one that it learned from.
"""

import ast
import base64
import hashlib
import json
import pickle
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from hand import SIDE, Hand, on_canvas
from shapes import SHAPES
from strangers import FONTS, HELD_OUT, LEARNED, NEAR_SHAPES, glyph

import sklearn_shapecnn
from sklearn_shapecnn import ShapeCNNClassifier, make_multilabel_shapes, make_shapes

HERE = Path(__file__).parent
NONE = "none of these"
EVEN = {  # what make_shapes draws as a person would agree with
    "shapes": list(SHAPES),
    "size": (0.3, 0.9),
    "aspect_ratio": (0.4, 0.74),
    "line_width": (0.02, 0.04),
}

RUNTIME = "onnxruntime-web@1.30.0"
RUNTIME_SHA512 = (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
# Its smallest build that computes without a GPU: the only one of its files without the extras.
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PAGE_FILES = ("draw.js", "ink.js", "shapes.js", "draw.css", "onnxruntime-license.txt")


def train():
    """Fit a classifier to ten shapes, even and drawn by hand, and to what is none of them."""
    even, y_even = make_shapes(700, filled=0.5, as_images=True, random_state=0, **EVEN)
    by_hand, y_by_hand = draw(SHAPES, 950, wobble=(0.4, 1.3), random_state=1)
    strangers, _ = draw(LEARNED, 170, wobble=(0.4, 1.3), random_state=2)
    more, _ = draw(NEAR_SHAPES, 170, wobble=(0.4, 1.3), random_state=3)
    y_none = np.full(len(strangers) + len(more), NONE)
    classifier = ShapeCNNClassifier(
        augment=["auto", "flips", "quarter_turns"],
        device="cpu",
        random_state=0,
        verbose=1,
    )
    return classifier.fit(
        np.concatenate([even, by_hand, strangers, more]),
        np.concatenate([np.take(list(SHAPES), y_even), y_by_hand, y_none]),
    )


def draw(kinds, n_each, wobble, random_state, jerky=False):
    """Draw as people do: wobbly, round at the corners, not quite closed.

    Parameters
    ----------
    kinds : dict {name: function}
        What to draw. Each function gets a `Hand` and returns a `Drawing`.
    n_each : int
        Number of images of each kind.
    wobble : (float, float)
        Range of how unsteady the hand is.
    random_state : int
        Seed of the images.
    jerky : bool, default=False
        Whether the hand errs like a random walk rather than in slow swings.

    Returns
    -------
    X : ndarray of shape (n_images, 72, 72), dtype float32
        The images, in 0..1.
    y : ndarray of shape (n_images,), dtype str
        The names of the kinds.
    """
    rng = np.random.default_rng(random_state)
    names = np.repeat(list(kinds), n_each)
    X = np.empty((len(names), SIDE, SIDE), np.float32)
    for image, name in zip(X, names, strict=True):
        hand = Hand(rng, rng.uniform(*wobble), jerky)
        image[...] = on_canvas(kinds[name](hand), rng)
    return X, names


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
    network = classifier.net_.module_
    torch.onnx.export(
        Inspected(network).eval(),
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
    """A few even images, each with what the classifier says of it."""
    names, images = [], []
    for i, shape in enumerate(SHAPES):
        filled = i % 2 == 0
        look = EVEN | {"shapes": [shape], "size": 0.7, "line_width": 0.05}
        (image,), _ = make_shapes([1], filled=filled, random_state=i, **look)
        names.append(f"{'filled' if filled else 'outlined'} {shape}")
        images.append(image)
    (two,), _ = make_multilabel_shapes(
        1, n_shapes=2, shapes=("triangle", "circle"), allow_repeats=False, random_state=0
    )
    letter = glyph(Hand(np.random.default_rng(0), wobble=0), "R", FONTS[0])._replace(filled=1)
    names += ["triangle and circle", "letter R"]
    images += [two, on_canvas(letter, np.random.default_rng(1)).ravel()]
    X = np.round(255 * np.stack(images)).astype(np.uint8)
    probabilities = classifier.predict_proba(X.reshape(-1, SIDE, SIDE) / np.float32(255))
    found = [
        {
            "name": name,
            "pixels": base64.b64encode(row.tobytes()).decode(),
            "probabilities": list(map(float, p)),
        }
        for row, name, p in zip(X, names, probabilities, strict=True)
    ]
    return {"classes": classifier.classes_.tolist(), "examples": found}


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
    minutes.

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
        print(
            'Training the network of the page "Draw a shape": some minutes on one core, the '
            "first one to draw what it learns from ...",
            flush=True,
        )
        start = time.perf_counter()
        stamp.unlink(missing_ok=True)
        fetch_runtime(folder)
        classifier = train()
        export(classifier, folder / "model.onnx")
        (folder / "examples.json").write_text(json.dumps(examples(classifier)))
        with open(pickle_path(folder), "wb") as file:
            pickle.dump(classifier, file)
        stamp.write_text(now)
        print(f"The network is trained, in {time.perf_counter() - start:.0f} s.", flush=True)
    for name in PAGE_FILES:
        shutil.copy(HERE / name, folder)


def pickle_path(folder):
    """Where the classifier lies: beside the folder, so that it is no part of the site."""
    return Path(folder).parent / "classifier.pickle"


def _state():
    """A hash of all code that the network comes from; what documents it does not count."""
    package = Path(sklearn_shapecnn.__file__).parent
    digest = hashlib.sha256()
    for path in [*sorted(HERE.glob("*.py")), *sorted(package.rglob("*.py"))]:
        tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
                ast.get_docstring(node) is not None
            ):
                del node.body[0]
        digest.update(ast.dump(tree).encode())
    for path in sorted(package.rglob("*.npz")):
        digest.update(path.read_bytes())
    return digest.hexdigest() + "\n"


def measure(classifier):
    """Print how often the classifier is right: for each kind, and on average over the kinds.

    The hand of these drawings errs in another way than that of the training, and once less, once
    more. The strangers are of kinds that were trained on, and of others.
    """
    tests = {
        "Shapes": SHAPES,
        "Strangers of kinds that it learned": LEARNED,
        "Strangers of other kinds": HELD_OUT,
    }
    shares = {title: [] for title in tests}
    for wobble in (0.3, 1.4):
        print(f"\nA jerky hand, wobble {wobble}:")
        for title, kinds in tests.items():
            X, names = draw(kinds, 100, (wobble, wobble), random_state=4, jerky=True)
            right = classifier.predict(X) == (names if kinds is SHAPES else NONE)
            each = {name: right[names == name].mean() for name in kinds}
            print(f"{title}: {right.mean():.1%} right")
            print("  " + ", ".join(f"{name} {share:.0%}" for name, share in each.items()))
            shares[title] += each.values()
    shapes, learned, other = shares.values()
    print(
        f"\nBoth: {np.mean(shapes):.1%} of the shapes, {np.mean(learned + other):.1%} of all "
        f"strangers, {np.mean(other):.1%} of those of other kinds"
    )


def main():
    """Build, and measure the classifier."""
    build(HERE / "built")
    with open(pickle_path(HERE / "built"), "rb") as file:
        measure(pickle.load(file))


if __name__ == "__main__":
    main()
