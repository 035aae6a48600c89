"""What X, y and the weights may be, and how a part of X becomes a batch."""
