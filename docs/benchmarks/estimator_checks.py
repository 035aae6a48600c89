"""scikit-learn's estimator checks, for the defaults and a dozen parameter settings.

Run ``python docs/benchmarks/estimator_checks.py``. It prints a table in Markdown, and fails if a
check fails unexpectedly. ``--quick`` runs only one setting, to check that the script works.
"""

from __future__ import annotations

import sys
import time
from textwrap import shorten
from unittest import SkipTest

from common import is_quick, print_header, print_machine, print_row
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_shapecnn import ShapeCNNClassifier

# The checks are about behavior, which a small network shows as well as a large one.
SMALL = {"n_filters": 8, "max_iter": 20}
SETTINGS: list[dict] = [
    {"early_stopping": True, "validation_fraction": 0.2},
    {"warm_start": True},
    {"class_weight": "balanced"},
    {"pooling": "sum"},
    {"pooling": "avg", "normalization": "layer"},
    {"normalization": None},
    {"dropout": 0.2},
    {"hidden_layer_sizes": (16,), "activation": "silu"},
    {"activation": "tanh", "kernel_size": 2},
    {"label_smoothing": 0.1, "alpha": 0.1},
    {"augment": None},
    {"augment": ["shift", "jitter"]},
    {"batch_size": 4},
    {"n_filters": (8, 16), "pool_size": 1},
    {"verbose": True},
]


# With warm_start=True, a second fit continues the first one and gives another result, which some
# checks forbid. scikit-learn's MLPClassifier with warm_start=True fails check_supervised_y_2d too.
# It passes the others, or is not subject to them because it is not a transformer.
FIT_TWICE = {
    "check_pipeline_consistency",
    "check_supervised_y_2d",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
}


def find_expected(setting: dict) -> set[str]:
    """Return the names of the checks that cannot pass."""
    return FIT_TWICE if setting.get("warm_start") else set()


def run_checks(setting: dict) -> tuple[int, int, dict[str, str]]:
    """Run all checks. Return how many passed, how many failed as expected, and what else failed."""
    n_passed, expected, failed = 0, [], {}
    may_fail = find_expected(setting)
    for estimator, check in estimator_checks_generator(ShapeCNNClassifier(**setting)):
        name = getattr(check, "func", check).__name__
        try:
            check(estimator)
        except SkipTest as error:
            if name != "check_array_api_input":  # it needs an environment variable; see the tests
                failed[name] = str(error)
        except Exception as error:
            if name in may_fail:
                expected.append(name)
            else:
                failed[name] = shorten(f"{type(error).__name__}: {error}", 200)
        else:
            n_passed += 1
    failed |= dict.fromkeys(may_fail.difference(expected), "passes by now")
    return n_passed, len(expected), failed


def main() -> None:
    """Print the table."""
    quick = is_quick(__doc__)
    print_machine()
    print_header("parameters", "passed", "cannot pass", "failed", "CPU seconds")
    settings = [SMALL | setting for setting in SETTINGS]
    has_failed = False
    for setting in settings[:1] if quick else [{}, *settings]:
        start = time.process_time()
        n_passed, n_expected, failed = run_checks(setting)
        told = ", ".join(f"`{name}={value!r}`" for name, value in setting.items())
        seconds = f"{time.process_time() - start:.0f}"
        print_row(told or "the defaults", n_passed, n_expected, failed or 0, seconds)
        has_failed |= bool(failed)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
