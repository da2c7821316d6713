"""The flag that limits TensorFlow's threads, for every benchmark."""

import tensorflow as tf
from absl import flags

THREADS = flags.DEFINE_integer(
    "threads", 0, "Threads of TensorFlow; 0 leaves it the choice.", 0
)


def limit_threads() -> None:
    """Does what the flag says; before TensorFlow has run anything."""
    if not THREADS.value:
        return
    tf.config.threading.set_intra_op_parallelism_threads(THREADS.value)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS.value)
