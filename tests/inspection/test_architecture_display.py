from sklearn_shapecnn import ArchitectureDisplay


def test_architecture_as_text_and_html(task):
    clf, _, _ = task
    display = ArchitectureDisplay.from_estimator(clf)
    total = sum(weight.numel() for weight in clf.net_.module_.parameters())
    for table in (str(display), display._repr_html_()):
        assert f"{total:,}" in table
        assert "convolution 3 x 3" in table
    assert display._repr_html_().count("<tr>") == len(display.layers) + 2
    text = " ".join(text.get_text() for text in display.ax_.texts)
    assert "stage 1" in text
    assert "max pooling 2 x 2" in text
