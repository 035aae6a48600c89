"""Displays: pictures of what a fitted network sees.

As in scikit-learn, `from_estimator` computes and draws, and `plot` draws again. Matplotlib is
imported when a picture is drawn.
"""
