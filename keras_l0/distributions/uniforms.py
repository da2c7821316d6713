"""The uniform numbers from which gates are drawn."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp


def draw(
    shape: tf.Tensor | tuple, dtype: tf.DType, seed: tf.Tensor | None
) -> tf.Tensor:
    """Draws from the open interval (0, 1), ready for a `quantile`.

    The end 0 is left out because quantiles are infinite there. A float16 has
    10 random bits, which would make lumps of the tails: it is drawn as
    float32.

    Args:
        shape: Shape of the result.
        dtype: Float dtype of the gates.
        seed: Stateless seed, int32 `[2]`.

    Returns:
        uniforms: Tensor of `shape`; float32 if `dtype` is float16, else
            of `dtype`.
    """
    dtype = tf.float32 if dtype == tf.float16 else dtype
    tiny = tf.constant(np.finfo(dtype.as_numpy_dtype).tiny, dtype)
    # Left to itself XLA draws the same numbers a hundred times slower on a CPU.
    numbers = tf.random.stateless_uniform(
        shape, tfp.random.sanitize_seed(seed), dtype=dtype, alg="philox"
    )
    return tf.maximum(numbers, tiny)
