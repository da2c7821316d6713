"""Data for the examples: images in [0, 1], split into three parts."""

import dataclasses
import os
import zipfile
import zlib

import keras
import numpy as np
from absl import logging

NAMES = ("digits", "mnist", "fashion_mnist", "cifar10")

_KEYS = ("x_train", "y_train", "x_test", "y_test")
_MAX_VALIDATION = 5000
_DIGITS_IN_TEST = 600
_LEAST_IMAGES = 10
# What NumPy and the zip reader raise for a file that is cut short, damaged,
# encrypted or packed in a way that they do not know.
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images and labels for training, for choosing, and for the last test.

    Attributes:
        x_train: Float32 array `[n, height, width, channels]` in [0, 1].
        y_train: Int64 array `[n]`, class of each image.
        x_validation: Images held out of the training set: a tenth of it, at
            most 5,000. Whatever is chosen is chosen by these.
        y_validation: Their classes.
        x_test: Images to be looked at once, at the very end.
        y_test: Their classes.
        num_classes: Integer, number of classes.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int


def load(name: str = "digits", image_size: int | None = None) -> Dataset:
    """Loads a dataset; the split is the same in every call.

    `digits` comes with scikit-learn and needs no download. The others are read
    from `$KERAS_L0_DATA/NAME.npz` if there is such a file (arrays `x_train`,
    `y_train`, `x_test`, `y_test`, as Keras stores them), and otherwise from
    `keras.datasets`, which downloads them once.

    Args:
        name: One of `"digits"`, `"mnist"`, `"fashion_mnist"`, `"cifar10"`.
        image_size: Positive integer or None: smaller images are enlarged to
            this height and width. Defaults to None, the original size.

    Returns:
        dataset: A `Dataset`.

    Raises:
        ValueError: if the name is unknown or the file is not as expected.
        ImportError: if `digits` is asked for without scikit-learn.

    Example:

    >>> from examples import datasets
    >>> datasets.load("digits").x_test.shape
    (600, 8, 8, 1)
    >>> datasets.load("digits", image_size=28).x_test.shape
    (600, 28, 28, 1)
    """
    if name not in NAMES:
        raise ValueError(
            f"Unknown dataset. Expected one of {NAMES}. Received: name={name!r}"
        )
    dataset = _digits() if name == "digits" else _npz(name)
    return _enlarge(dataset, image_size)


def as_rows(dataset: Dataset) -> Dataset:
    """The same images as sequences of rows, `[n, height, width * channels]`.

    Args:
        dataset: Images.

    Example:

    >>> from examples import datasets
    >>> datasets.as_rows(datasets.load("digits")).x_test.shape
    (600, 8, 8)
    """
    height = dataset.x_train.shape[1]
    return _with_images(dataset, lambda x: x.reshape(len(x), height, -1))


def _with_images(dataset, change):
    """The dataset with the images of all parts changed."""
    names = ("x_train", "x_validation", "x_test")
    changed = {name: change(getattr(dataset, name)) for name in names}
    return dataclasses.replace(dataset, **changed)


def _digits():
    """The 1,797 digits: a third for the test, a tenth of the rest held out."""
    try:
        from sklearn import datasets
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError(
            "The 'digits' dataset comes with scikit-learn, which is not "
            "installed. Install it with `pip install keras_l0[examples]`."
        ) from error

    def split(x, y, size):
        return train_test_split(
            x, y, test_size=size, stratify=y, random_state=0
        )

    x, y = datasets.load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1) / 16
    x, x_test, y, y_test = split(x, y, _DIGITS_IN_TEST)
    x, x_held, y, y_held = split(x, y, _validation_size(len(x)))
    return _dataset((x, y), (x_held, y_held), (x_test, y_test))


def _npz(name):
    """An npz file as Keras stores them; the last training images held out."""
    folder = os.path.expanduser(os.environ.get("KERAS_L0_DATA", ""))
    path = os.path.join(folder, f"{name}.npz")
    if folder and os.path.exists(path):
        x, y, x_test, y_test = _read(path)
        _check(path, x, y, x_test, y_test)
    else:
        if folder:
            logging.warning("%s does not exist; trying keras.datasets.", path)
        (x, y), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    x, y, x_test, y_test = _scale(x), y.ravel(), _scale(x_test), y_test.ravel()
    start = len(x) - _validation_size(len(x))
    return _dataset(
        (x[:start], y[:start]), (x[start:], y[start:]), (x_test, y_test)
    )


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in _KEYS if key not in archive]
            arrays = [archive[key] for key in _KEYS if key not in missing]
    except (*_READ_ERRORS, AttributeError, TypeError) as error:
        raise ValueError(
            f"The dataset file '{path}' cannot be read: it is truncated, "
            f"damaged, or no npz archive of plain arrays ({error})."
        ) from error
    if missing:
        raise ValueError(
            f"The dataset file '{path}' must hold the arrays {_KEYS}. "
            f"It lacks {missing}."
        )
    return arrays


def _check(path, x, y, x_test, y_test):
    """Refuses what is not images and classes, or does not belong together."""
    _check_part(path, "train", x, y)
    _check_part(path, "test", x_test, y_test)
    if x.shape[1:] != x_test.shape[1:] or y_test.max() > y.max():
        raise ValueError(
            f"Training and test data in '{path}' must have images of one shape "
            f"and the same classes. Received: shapes {x.shape[1:]} and "
            f"{x_test.shape[1:]}, classes up to {y.max()} and {y_test.max()}"
        )


def _check_part(path, part, x, y):
    is_image = x.ndim in (3, 4) and (
        x.dtype == "uint8"
        or (x.dtype.kind == "f" and np.all((x >= 0) & (x <= 1)))
    )
    if not is_image or len(x) < _LEAST_IMAGES:
        raise ValueError(
            f"`x_{part}` in '{path}' must be {_LEAST_IMAGES} or more images, "
            "[n, height, width] or [n, height, width, channels], uint8 or "
            f"floats in [0, 1]. Received: shape={x.shape}, dtype={x.dtype}"
        )
    if y.size != len(x) or y.dtype.kind not in "ui" or y.min() < 0:
        raise ValueError(
            f"`y_{part}` in '{path}' must hold one class, an integer counted "
            f"from 0, for each of the {len(x)} images. Received: "
            f"shape={y.shape}, dtype={y.dtype}"
        )


def _scale(images):
    """Float32 images in [0, 1], with a channel axis."""
    if images.ndim == 3:
        images = images[..., np.newaxis]
    return images / np.float32(255) if images.dtype == "uint8" else images


def _validation_size(num_train):
    return min(_MAX_VALIDATION, num_train // 10)


def _dataset(train, validation, test):
    arrays = [
        array
        for x, y in (train, validation, test)
        for array in (x.astype("float32"), y.astype("int64"))
    ]
    return Dataset(*arrays, num_classes=int(train[1].max()) + 1)


def _enlarge(dataset, image_size):
    height, width = dataset.x_train.shape[1:3]
    if image_size is None or (height >= image_size and width >= image_size):
        return dataset
    size = (max(height, image_size), max(width, image_size))

    def enlarged(images):
        resized = keras.ops.image.resize(images, size, interpolation="bilinear")
        return keras.ops.convert_to_numpy(resized)

    return _with_images(dataset, enlarged)
