"""
Export a model to ONNX
======================

A service, a phone or a browser may have neither PyTorch nor scikit-learn. ``to_onnx`` writes a
fitted classifier, or a pipeline around it, to a file that ONNX Runtime can run there. Are the
predictions the same?
"""

# %%
# Train a pipeline
# ----------------
#
# The data are handwritten digits of 8 x 8 pixels, scaled to the range from 0 to 1.

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_shapecnn import ShapeCNNClassifier, to_onnx

X, y = load_digits(return_X_y=True)
X = X.astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
pipeline = make_pipeline(MinMaxScaler(), ShapeCNNClassifier(max_iter=5, random_state=0))
pipeline.fit(X_train, y_train)
print(f"accuracy {pipeline.score(X_test, y_test):.3f}")

# %%
# Export it
# ---------
#
# ``to_onnx(pipeline, "digits.onnx")`` writes a file. Here we only need the content of the file.
# With ``as_images=True``, the model takes images instead of rows.

content = to_onnx(pipeline, as_images=True).SerializeToString()
print(f"{len(content) / 1e6:.1f} MB")

# %%
# Run it
# ------
#
# From here on, the model runs without scikit-learn and PyTorch. The session lists its inputs and
# outputs.

session = onnxruntime.InferenceSession(content)
images = X_test.reshape(-1, 8, 8)
labels, probabilities = session.run(["label", "probabilities"], {"X": images})
print({value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())})

# %%
# Compare the predictions
# -----------------------
#
# All labels are the same as those of ``predict``. The probabilities differ only by the rounding of
# float32.

differences = np.abs(probabilities - pipeline.predict_proba(X_test)).max(axis=1)
print(f"different labels: {(labels != pipeline.predict(X_test)).sum()} of {len(labels)}")
print(f"largest difference of a probability: {differences.max():.0e}")

doubtful = np.argsort(probabilities.max(axis=1))[:5]
figure, axes = plt.subplot_mosaic([[0, 1, 2, 3, 4], ["all"] * 5], figsize=(6.4, 4.2))
for place, index in enumerate(doubtful):
    axes[place].imshow(images[index], cmap="gray_r")
    axes[place].set(xticks=[], yticks=[])
    axes[place].set_title(f"{labels[index]}? {probabilities[index].max():.2f}")
axes["all"].hist(np.maximum(differences, 1e-9), bins=np.logspace(-9, -5, 33), color="#0072B2")
axes["all"].set(
    xscale="log",
    xlabel="difference between ONNX Runtime and predict_proba",
    ylabel="images",
)
figure.tight_layout()
plt.show()

# %%
# The upper row shows the five images that the model is least sure of, with its predictions.
