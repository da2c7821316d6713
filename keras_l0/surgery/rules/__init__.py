"""Strip rules; importing a module registers its rules."""

from keras_l0.surgery.rules import arithmetic
from keras_l0.surgery.rules import attention
from keras_l0.surgery.rules import coupled
from keras_l0.surgery.rules import depthwise
from keras_l0.surgery.rules import einsum_dense
from keras_l0.surgery.rules import elementwise
from keras_l0.surgery.rules import elementwise_ops
from keras_l0.surgery.rules import embedding
from keras_l0.surgery.rules import gate
from keras_l0.surgery.rules import linear
from keras_l0.surgery.rules import merging
from keras_l0.surgery.rules import moving
from keras_l0.surgery.rules import normalization
from keras_l0.surgery.rules import pooling
from keras_l0.surgery.rules import preprocessing
from keras_l0.surgery.rules import products
from keras_l0.surgery.rules import recurrent
from keras_l0.surgery.rules import reductions
from keras_l0.surgery.rules import reshape
from keras_l0.surgery.rules import reshaping
from keras_l0.surgery.rules import separable
from keras_l0.surgery.rules import slicing
from keras_l0.surgery.rules import source
from keras_l0.surgery.rules import spatial
from keras_l0.surgery.rules import transposed
from keras_l0.surgery.rules import wrappers

__all__ = [
    "arithmetic",
    "attention",
    "coupled",
    "depthwise",
    "einsum_dense",
    "elementwise",
    "elementwise_ops",
    "embedding",
    "gate",
    "linear",
    "merging",
    "moving",
    "normalization",
    "pooling",
    "preprocessing",
    "products",
    "recurrent",
    "reductions",
    "reshape",
    "reshaping",
    "separable",
    "slicing",
    "source",
    "spatial",
    "transposed",
    "wrappers",
]
