"""Check X, y and the weights, and turn parts of X into batches."""
