"""What `L0Model` does under a distribution strategy of TensorFlow."""

import keras
import tensorflow as tf

from keras_l0.internal import keras_internals
from keras_l0.internal import replicas
from keras_l0.layers import L0Gate
from keras_l0.training.constraint import Constraint
from keras_l0.training.gated_optimizer import GatedOptimizer


class DistributedModel(keras_internals.WorkerModel):
    """A model that `fit` trains on several devices, or several machines."""

    replica_draws: bool = False

    def compile(self, *args, replica_draws: bool = False, **kwargs) -> None:
        """`keras.Model.compile`; keeps how replicas draw."""
        super().compile(*args, **kwargs)
        self.replica_draws = replica_draws

    def get_compile_config(self) -> dict:
        """What `compile` was given, as in Keras."""
        config = super().get_compile_config()
        if config and self.replica_draws:
            config["replica_draws"] = True
        return config

    def compute_metrics(self, *args, **kwargs) -> dict:
        """The metrics of a step, as in Keras."""
        results = super().compute_metrics(*args, **kwargs)
        if not _has_workers(self.distribute_strategy):
            return results
        # Keras takes the mean over workers along the first axis.
        return keras.tree.map_structure(
            lambda value: tf.expand_dims(value, 0), results
        )

    def prepare_steps(self) -> bool:
        if not _has_workers(self.distribute_strategy):
            return False
        if not self.built:
            raise RuntimeError(
                f"Model '{self.name}' has no variables yet: call it on data, "
                "in the scope of the strategy, before workers train it."
            )
        if self.compiled and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        return True


def _has_replicas(strategy):
    mirrored = (
        tf.distribute.MirroredStrategy,
        tf.distribute.MultiWorkerMirroredStrategy,
    )
    return isinstance(strategy, mirrored) and strategy.num_replicas_in_sync > 1


def _has_workers(strategy):
    """Whether there are replicas that run in other processes."""
    if not _has_replicas(strategy):
        return False
    return strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)


def without_xla(strategy: tf.distribute.Strategy, config: dict) -> dict:
    """A copy of a saved configuration of `compile` that fits a strategy.

    "auto" is saved as what it meant where the model was compiled, on one
    device.
    """
    unset = {"jit_compile": False} if _has_replicas(strategy) else {}
    return {**config, **unset}


def check_compile(
    strategy: tf.distribute.Strategy,
    optimizer: GatedOptimizer,
    jit_compile: bool | str = "auto",
    steps_per_execution: int = 1,
    **unused: object,
) -> None:
    """Refuses what Keras cannot do under a strategy with several replicas.

    Args:
        strategy: The strategy of the model.
        optimizer: Its optimizer.
        jit_compile: As in `keras.Model.compile`.
        steps_per_execution: As in `keras.Model.compile`.
        **unused: Other arguments of `compile`.

    Raises:
        ValueError: if Keras would fail in the first step.
    """
    if not _has_replicas(strategy):
        return
    if jit_compile is True:
        raise _refusal(
            strategy, "jit_compile", "False or 'auto'", True, "train without"
        )
    if steps_per_execution != 1:
        raise _refusal(
            strategy,
            "steps_per_execution",
            "1",
            steps_per_execution,
            "take larger batches",
        )
    for inner in (optimizer.weight_optimizer, optimizer.gate_optimizer):
        _check_optimizer(strategy, inner)


def _check_optimizer(strategy, optimizer):
    if optimizer.gradient_accumulation_steps:
        raise _refusal(
            strategy,
            "gradient_accumulation_steps",
            "None",
            optimizer.gradient_accumulation_steps,
            "take larger batches, or more replicas",
        )
    if optimizer.use_ema and optimizer.ema_overwrite_frequency:
        raise _refusal(
            strategy,
            "ema_overwrite_frequency",
            "None",
            optimizer.ema_overwrite_frequency,
            "the averages replace the weights when `fit` ends",
        )


def _refusal(strategy, name, expected, received, way_out):
    return ValueError(
        f"`{name}` must be {expected} under {type(strategy).__name__} with "
        f"several replicas, where Keras' own step fails: {way_out}. "
        f"Received: {name}={received!r}"
    )


def penalty(layers: list[L0Gate]) -> tf.Tensor:
    """One replica's share of the penalties of some layers.

    Not taken from the model's `losses`: replicas that wait for each other in
    the forward pass mix theirs up.
    """
    terms = [layer.penalty() for layer in layers]
    total = tf.add_n([t for t in terms if t is not None] or [0.0])
    # Gradients are summed over the replicas.
    return total / replicas.count()


def pull(
    constraint: Constraint,
    tape: tf.GradientTape,
    gradients: list[tf.Tensor | None],
    variables: list[keras.Variable],
) -> list[tf.Tensor | None]:
    """`Constraint.pull`, on the gradients of the whole batch.

    How hard a budget pulls depends on their size.

    Args:
        constraint: What the budget does in this step.
        tape: The tape of the step.
        gradients: The loss's gradients, each replica's own.
        variables: The variables, in the same order.

    Returns:
        gradients: Those of loss and budget, such that their sum over the
            replicas is the step's.
    """
    if replicas.count() == 1:
        return constraint.pull(tape, gradients, variables)
    ours = [
        keras_internals.is_marked(variable) and gradient is not None
        for variable, gradient in zip(variables, gradients, strict=True)
    ]
    gradients = [
        replicas.total(gradient) if our else gradient
        for gradient, our in zip(gradients, ours, strict=True)
    ]
    pulled = constraint.pull(tape, gradients, variables)
    return [
        gradient / replicas.count() if our else gradient
        for gradient, our in zip(pulled, ours, strict=True)
    ]
