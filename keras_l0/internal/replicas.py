"""What the replicas of a distribution strategy do together."""

import tensorflow as tf


def count() -> int:
    """Number of replicas that run this code at the same time."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def total(tensor: tf.Tensor) -> tf.Tensor:
    """Sum of a tensor over the replicas, the same on each of them."""
    if count() == 1:
        return tensor
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def joined(tensor: tf.Tensor) -> tf.Tensor:
    """Identity whose gradient is summed over the replicas.

    For a gradient that somebody will make something of which is not linear:
    that has to see the gradient of the whole batch.
    """

    @tf.custom_gradient
    def identity(x):
        return tf.identity(x), total

    return identity(tensor)


def own_seed(seed: tf.Tensor) -> tf.Tensor:
    """A seed that differs from replica to replica.

    Args:
        seed: Integer tensor `[2]`, the same on all replicas.

    Returns:
        seed: Of the same shape and type; `seed` itself where there is but one
            replica.
    """
    if count() == 1:
        return seed
    context = tf.distribute.get_replica_context()
    place = tf.cast(context.replica_id_in_sync_group, seed.dtype)
    return tf.random.experimental.stateless_fold_in(seed, place)
