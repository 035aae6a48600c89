"""Data frames and Series of pandas and polars, for the tests of both."""

import numpy as np
import pandas as pd
import polars as pl

NAMES = [f"pixel{i}" for i in range(64)]
LIBRARIES = {"pandas": pd, "polars": pl}


def frame_of(library, X, names=NAMES):
    if library == "pandas":
        return pd.DataFrame(X, columns=names)
    return pl.DataFrame(np.asarray(X), schema=list(names))


def series_of(library, values, **settings):
    values = list(values)
    if library == "pandas":
        return pd.Series(values, **settings)
    return pl.Series(values=values, **settings)
