"""Make the stored classifier again: python tests/data/make_reference.py.

CONTRIBUTING.md says when to. This writes, beside itself:

- classifier.skops and classifier.joblib, a small fitted classifier;
- reference.npz, images, and what that classifier said about them when it was saved.
"""

from pathlib import Path
from zipfile import ZIP_DEFLATED

import joblib
import numpy as np
import skops.io

from sklearn_shapecnn import ShapeCNNClassifier, make_shapes

HERE = Path(__file__).parent
NAMES = np.array(["circle", "rectangle", "triangle"])
METHODS = ("predict", "predict_proba", "decision_function", "transform")


def main():
    """Fit, predict, and write the three files."""
    X, y = make_shapes(150, shapes=NAMES.tolist(), image_shape=(16, 16), size=0.8, random_state=0)
    classifier = ShapeCNNClassifier(
        n_filters=(4, 8), max_iter=40, learning_rate_init=0.01, device="cpu", random_state=0
    )
    classifier.fit(X, NAMES[y])
    some = X[:24]
    said = {method: getattr(classifier, method)(some) for method in METHODS}
    skops.io.dump(classifier, HERE / "classifier.skops", compression=ZIP_DEFLATED)
    joblib.dump(classifier, HERE / "classifier.joblib", compress=3)
    np.savez_compressed(HERE / "reference.npz", X=some, y=NAMES[y[:24]], **said)


if __name__ == "__main__":
    main()
