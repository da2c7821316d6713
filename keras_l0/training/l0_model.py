"""A Keras model whose training step knows its gates."""

import keras
import tensorflow as tf

from keras_l0.budget.budget import Budget
from keras_l0.internal import keras_internals
from keras_l0.internal import replicas
from keras_l0.internal.api_export import keras_l0_export
from keras_l0.layers import gate_layers
from keras_l0.layers import gate_vectors
from keras_l0.layers import step_context
from keras_l0.layers.collect import open_share
from keras_l0.layers.gate_chain import GateChain
from keras_l0.training import distributed
from keras_l0.training import nan_guard
from keras_l0.training.budgeted import BudgetedModel
from keras_l0.training.draws import Draws
from keras_l0.training.example_losses import splitter
from keras_l0.training.gated_optimizer import GatedOptimizer


@keras_l0_export
class L0Model(distributed.DistributedModel, BudgetedModel):
    """A `keras.Model` that trains every gate family, each by its own rule.

    It is made like any Keras model: from inputs and outputs, by subclassing,
    or with `L0Model.from_model` from a model that exists. In each step it

    - moves schedules (`l0`, temperature, k, noise) to the present step;
    - draws every gate vector once, all in one operation;
    - runs a second, untracked pass on antithetic gates for the families that
      need it: same batch, same uniform numbers, same dropout masks; moving
      statistics and seeds advance once;
    - computes the penalties from the gates, not from `losses`;
    - trains the weights with `optimizer` and the gates with
      `gate_optimizer`.

    `fit` and `evaluate` report, beside the loss and the metrics, `data_loss`
    and `penalty`, whose sum is the loss, and `open_gates`, the fraction of
    all gates that `strip_gates` would keep; `fit` adds, after every epoch of
    a model that is a graph, `params` and `macs`, the expected cost of the
    stripped network as a fraction of the dense one's. It stops with an error
    when the loss is NaN, and names the layer whose gates all closed, if one
    did.

    `compile` takes, beside Keras' arguments, `gate_optimizer`: an optimizer
    for the gates, see `keras_l0.training.GatedOptimizer`.

    Example:

    >>> inputs = keras.Input((4,))
    >>> hidden = keras_l0.L0Gate(keras.layers.Dense(8), "arm", l0=1e-3)(inputs)
    >>> model = keras_l0.L0Model(inputs, keras.layers.Dense(1)(hidden))
    >>> model.compile("adam", "mse", gate_optimizer="sgd")
    >>> x = np.ones((32, 4), "float32")
    >>> history = model.fit(x, x[:, :1], verbose=0).history
    >>> sorted(history)
    ['data_loss', 'loss', 'macs', 'open_gates', 'params', 'penalty']
    """

    def __new__(cls, *args: object, **kwargs: object) -> "L0Model":
        # As `keras.Model` does: only a graph of layers is `Functional`.
        graph = len(args) >= 2 or {"inputs", "outputs"} <= {*kwargs}
        if cls is L0Model and (graph or (args and "outputs" in kwargs)):
            cls = FunctionalL0Model
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: object, **kwargs: object):
        super().__init__(*args, **kwargs)
        self.data_loss_tracker = keras.metrics.Mean("data_loss")
        self.penalty_tracker = keras.metrics.Mean("penalty")
        self.open_gates_tracker = keras.metrics.Mean("open_gates")
        self.gate_chain = None
        if self.built:
            self._link_gates()

    @classmethod
    def from_model(cls, model: keras.Model) -> "L0Model":
        """Makes an `L0Model` of a Functional or Sequential model.

        The layers, with their weights, are those of `model`.

        Args:
            model: A built `keras.Sequential` or Functional model.

        Returns:
            model: An `L0Model`, not compiled.

        Raises:
            TypeError: if `model` is not a Keras model.
            ValueError: if `model` is not a graph of layers, or is not built.
        """
        if not isinstance(model, keras.Model):
            raise TypeError(
                "`model` must be a `keras.Model`. "
                f"Received: model={model!r} ({type(model).__name__})"
            )
        if not getattr(model, "inputs", None):
            raise ValueError(
                "`from_model` needs a Functional model or a built Sequential; "
                "a subclassed model subclasses `keras_l0.L0Model` instead. "
                f"Received: model='{model.name}' ({type(model).__name__})"
            )
        single = isinstance(model, keras.Sequential)
        inputs = model.inputs[0] if single else model.input
        outputs = model.outputs[0] if single else model.output
        return cls(inputs, outputs, name=model.name)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "rmsprop",
        loss: object = None,
        *,
        gate_optimizer: str | keras.optimizers.Optimizer | None = None,
        budget: Budget | None = None,
        replica_draws: bool = False,
        **kwargs,
    ) -> None:
        """Configures training, as in Keras.

        Args:
            optimizer: Optimizer of the weights.
            loss: As in `keras.Model.compile`.
            gate_optimizer: Optimizer of the gates; None takes the default of
                `keras_l0.training.GatedOptimizer`.
            budget: A `keras_l0.Budget` that `fit` is to reach. None leaves
                the model's own, if it has one. Defaults to None.
            replica_draws: Whether each replica of a distribution strategy
                draws gates of its own. By default all draw the same.
            **kwargs: As in `keras.Model.compile`.

        Raises:
            TypeError: if an optimizer is not one.
            ValueError: if `optimizer` brings its own gate optimizer and
                `gate_optimizer` is given too, `budget` does not fit, or an
                argument does not go with the model's strategy.
        """
        if budget is not None:
            self.set_budget(budget)
        if not isinstance(optimizer, GatedOptimizer):
            optimizer = GatedOptimizer(optimizer, gate_optimizer)
        elif gate_optimizer is not None:
            raise ValueError(
                "`optimizer` is a GatedOptimizer and has a gate optimizer. "
                f"Received: gate_optimizer={gate_optimizer!r}"
            )
        distributed.check_compile(self.distribute_strategy, optimizer, **kwargs)
        super().compile(optimizer, loss, replica_draws=replica_draws, **kwargs)

    def compile_from_config(self, config: dict) -> None:
        """Compiles a loaded model, as in Keras."""
        # Keras leaves this to whoever overrides `compile`.
        config = distributed.without_xla(self.distribute_strategy, config)
        keeps_slots = config.pop("frozen_gates_keep_slots", False)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            with self.gates_thawed(keeps_slots):
                self.optimizer.build(self.trainable_variables)

    def __call__(self, *args, **kwargs):
        if step_context.current() is not None:
            return super().__call__(*args, **kwargs)
        with step_context.StepContext(builds=not self.built):
            outputs = super().__call__(*args, **kwargs)
        self._link_gates()
        return outputs

    def freeze_gates(self, frozen: bool = True) -> None:
        """Trains on under the deterministic gates, without a penalty.

        The optimizers keep their state. Needs no `compile`.

        Args:
            frozen: False lets the gates train again.
        """
        if self.compiled and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)  # gates included
        for vector in gate_vectors(self).values():
            vector.trainable = not frozen
        if self.gate_chain is not None:
            self.gate_chain.trainable = not frozen
        self.train_function = self.test_function = None

    def _link_gates(self):
        """Makes the chain of the dependent gates, once all are built."""
        if self.gate_chain is not None:
            return
        vectors = [v for v in gate_vectors(self).values() if v.gate.chained]
        if vectors and all(vector.built for vector in vectors):
            chain = GateChain(vectors, name="gate_chain")
            keras_internals.add_sublayer(self, "gate_chain", chain)

    def train_step(self, data: tuple) -> dict:
        """One step; see the class."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        layers = self._gated_layers(x)
        self._follow_schedules(layers)
        draws = Draws(layers, _batch_size(x), self.replica_draws)
        antithetic = None
        if draws.antithetic:
            antithetic = self._antithetic_loss(draws, x, y, sample_weight)
        bound = self.is_bound
        with tf.GradientTape(persistent=bound) as tape:
            context = self._context()
            y_pred, data_loss = self._forward(
                context, draws, False, x, y, sample_weight
            )
            with context:  # gates and penalty share their logits
                penalty = distributed.penalty(layers)
                constraint = self.constraint() if bound else None
            split = splitter(self, draws, y, y_pred, sample_weight)
            surrogate = draws.surrogate(split(data_loss), antithetic)
            loss = self.optimizer.scale_loss(data_loss + penalty + surrogate)
        variables = self.trainable_variables
        gradients = tape.gradient(loss, variables)
        if bound:
            gradients = distributed.pull(constraint, tape, gradients, variables)
        everywhere = replicas.total(data_loss)
        gradients = nan_guard.spare_gates(gradients, variables, everywhere)
        self.optimizer.apply(gradients, variables)
        self._track(data_loss, penalty, layers, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: tuple) -> dict:
        """One step of `evaluate`."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        layers = self._gated_layers(x)
        with step_context.StepContext(charges=True):
            y_pred = self(x, training=False)
        data_loss = self.compute_loss(x, y, y_pred, sample_weight, False)
        self._track(data_loss, distributed.penalty(layers), layers, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _gated_layers(self, x):
        """The gated layers, built: a subclass first learns its shapes here."""
        layers = gate_layers(self)
        if not layers:
            raise ValueError(
                f"L0Model '{self.name}' has no gates. Wrap layers with "
                "`keras_l0.L0Gate`, or use a plain `keras.Model`."
            )
        if not self.built:
            self(x, training=False)
        return layers

    def _follow_schedules(self, layers):
        step = self.optimizer.iterations
        for layer in layers:
            layer.set_step(step)
            layer.gate_vector.set_step(step)

    def _context(self):
        scale = self.optimizer.scale_loss(tf.constant(1.0))
        return step_context.StepContext(loss_scale=scale, charges=True)

    def _forward(self, context, draws, antithetic, x, y, sample_weight):
        with context:
            context.gates = draws.gates(antithetic)
            y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, sample_weight, True)
        return y_pred, loss

    def _antithetic_loss(self, draws, x, y, sample_weight):
        """The loss under antithetic gates, from a pass without a trace."""
        state = [*self.non_trainable_variables, *self.metrics_variables]
        before = [tf.identity(variable.value) for variable in state]
        y_pred, loss = self._forward(
            self._context(), draws, True, x, y, sample_weight
        )
        split = splitter(self, draws, y, y_pred, sample_weight)
        loss = split(loss)
        # Reading comes before writing back, in a graph too.
        with tf.control_dependencies([loss]):
            for variable, value in zip(state, before, strict=True):
                variable.assign(value)
        return loss

    def _track(self, data_loss, penalty, layers, x):
        data_loss *= replicas.count()
        penalty *= replicas.count()
        size = _batch_size(x)
        keras_internals.track_loss(self, data_loss + penalty, size)
        self.data_loss_tracker.update_state(data_loss, size)
        self.penalty_tracker.update_state(penalty, size)
        self.open_gates_tracker.reset_state()
        self.open_gates_tracker.update_state(
            open_share(layers) * self.gates_left
        )


@keras_l0_export
class FunctionalL0Model(L0Model, keras_internals.Functional):
    """What `L0Model(inputs, outputs)` makes: an `L0Model` that is a graph."""


def _batch_size(x):
    return tf.shape(next(i for i in keras.tree.flatten(x) if i is not None))[0]
