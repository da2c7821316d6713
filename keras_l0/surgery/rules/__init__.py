"""Strip rules; importing a module registers its rules."""

from keras_l0.surgery.rules import elementwise
from keras_l0.surgery.rules import gate
from keras_l0.surgery.rules import linear
from keras_l0.surgery.rules import merging
from keras_l0.surgery.rules import normalization
from keras_l0.surgery.rules import pooling
from keras_l0.surgery.rules import reshaping
from keras_l0.surgery.rules import source

__all__ = [
    "elementwise",
    "gate",
    "linear",
    "merging",
    "normalization",
    "pooling",
    "reshaping",
    "source",
]
