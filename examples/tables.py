"""Tables for the examples: columns with names, standardized, in three parts."""

import dataclasses

import numpy as np

from examples.datasets import Dataset

NAMES = ("breast_cancer", "wine")


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows, and what their columns are called.

    Attributes:
        data: A `Dataset` whose examples are rows `[n, columns]`.
        names: Names of the columns.
    """

    data: Dataset
    names: tuple[str, ...]


def load(name: str = "breast_cancer", noise_columns: int = 0) -> Table:
    """Loads a table that comes with scikit-learn; no download.

    Columns are standardized by what they are in the training rows. A third of
    the rows is the test set, a tenth of the others is held out.

    Args:
        name: `"breast_cancer"`, 569 rows of 30 columns and two classes, or
            `"wine"`, 178 rows of 13 columns and three classes.
        noise_columns: How many columns of Gaussian noise are added, called
            `noise 1`, `noise 2`, ... Defaults to 0.

    Raises:
        ValueError: if there is no such table.
        ImportError: if scikit-learn is not installed.

    Example:

    >>> from examples import tables
    >>> tables.load("wine", noise_columns=2).names[-3:]
    ('proline', 'noise 1', 'noise 2')
    """
    if name not in NAMES:
        raise ValueError(
            f"Unknown table. Expected one of {NAMES}. Received: name={name!r}"
        )
    try:
        from sklearn import datasets
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError(
            f"The '{name}' table comes with scikit-learn, which is not "
            "installed. Install it with `pip install keras_l0[examples]`."
        ) from error
    bunch = getattr(datasets, f"load_{name}")()
    noise = np.random.default_rng(0).standard_normal(
        (len(bunch.data), noise_columns)
    )
    x, y = np.concatenate([bunch.data, noise], axis=1), bunch.target

    def split(x, y, parts):
        return train_test_split(
            x, y, test_size=1 / parts, stratify=y, random_state=0
        )

    x, x_test, y, y_test = split(x, y, 3)
    x, x_held, y, y_held = split(x, y, 10)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    data = Dataset(
        *(
            part
            for rows, classes in ((x, y), (x_held, y_held), (x_test, y_test))
            for part in (
                ((rows - mean) / scale).astype("float32"),
                classes.astype("int64"),
            )
        ),
        num_classes=len(bunch.target_names),
    )
    names = [f"noise {1 + number}" for number in range(noise_columns)]
    return Table(data, (*map(str, bunch.feature_names), *names))
