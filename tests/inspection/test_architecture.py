import pytest

from sklearn_shapecnn import ShapeCNNClassifier
from sklearn_shapecnn.inspection import architecture, feature_maps


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"kernel_size": 4, "pooling": "sum", "normalization": "layer"},
        {"hidden_layer_sizes": [7], "dropout": 0.5, "normalization": None},
        {"pooling": "avg", "activation": "leaky_relu"},
    ],
)
def test_architecture_counts_every_weight(few, parameters):
    clf = ShapeCNNClassifier(max_iter=1, random_state=0, **parameters).fit(*few)
    layers = architecture(clf)
    weights = sum(weight.numel() for weight in clf.net_.module_.parameters())
    assert sum(layer["n_weights"] for layer in layers) == weights
    for i, maps in enumerate(feature_maps(clf, few[0][:1]), 1):
        last = [layer for layer in layers if layer["stage"] == f"stage {i}"][-1]
        assert last["output_shape"] == maps.shape[1:]
    assert layers[-1]["output_shape"] == (2,)
    assert layers[-1]["layer"] == "linear"


@pytest.mark.parametrize(
    ("parameters", "in_stage", "in_head"),
    [
        (
            {"kernel_size": 4, "pool_size": 2, "pooling": "sum", "normalization": "layer"},
            ["zero padding", "convolution 4 x 4", "sum pooling 2 x 2", "layer normalization"],
            ["maximum, mean and grid of means", "linear"],
        ),
        (
            {"pool_size": 1, "normalization": None, "dropout": 0.5, "hidden_layer_sizes": 7},
            ["convolution 3 x 3"],  # nothing of the Identities
            [
                *("maximum, mean and grid of means", "dropout", "linear"),
                *("leaky relu", "dropout", "linear"),
            ],
        ),
        (
            {"pool_size": 8, "pooling": "avg"},
            ["convolution 3 x 3", "average pooling 8 x 8", "batch normalization"],
            ["flattening", "linear"],
        ),
    ],
)
def test_layers_that_do_something_are_named(few, parameters, in_stage, in_head):
    clf = ShapeCNNClassifier(n_filters=4, activation="leaky_relu", max_iter=1, **parameters)
    layers = architecture(clf.fit(*few))
    assert [(layer["stage"], layer["layer"]) for layer in layers] == [
        ("input", "scaling of pixels"),
        *(("stage 1", name) for name in [*in_stage, "leaky relu"]),
        *(("head", name) for name in in_head),
    ]


def test_multiply_adds_are_those_of_the_sums(few):
    clf = ShapeCNNClassifier(n_filters=[4], max_iter=1, random_state=0).fit(*few)
    convolution, linear = (layer for layer in architecture(clf) if layer["n_multiply_adds"])
    assert convolution["n_multiply_adds"] == 8 * 8 * 4 * 3 * 3
    assert linear["n_multiply_adds"] == 2 * 4 * 11


@pytest.mark.parametrize(
    ("parameters", "counts"),
    [
        ({"weights": None}, [0, 0]),
        ({}, [12, 10]),
        ({"hidden_layer_sizes": 5, "dropout": 0.5, "kernel_size": 4}, [12, 10]),
    ],
)
def test_pretrained_filters_are_counted_in_their_convolutions(few, parameters, counts):
    clf = ShapeCNNClassifier(n_filters=(12, 10), max_iter=1, random_state=0, **parameters)
    layers = architecture(clf.fit(*few))
    convolutions = [layer for layer in layers if "convolution" in layer["layer"]]
    others = [layer for layer in layers if "convolution" not in layer["layer"]]
    assert [layer["n_pretrained"] for layer in convolutions] == counts
    assert {layer["n_pretrained"] for layer in others} == {0}
