"""The one file that names parts of Keras which are not public."""

from collections.abc import Callable
from collections.abc import Iterator

import keras
import tensorflow as tf
from keras.src import backend
from keras.src import ops
from keras.src.backend.common import global_state
from keras.src.backend.common.masking import get_keras_mask
from keras.src.models.functional import Functional
from keras.src.utils import tracking


def once_per_call(key: object, make: Callable[[], object]) -> object:
    """Result of `make()`, computed once per outermost layer call and `key`.

    Keras keeps one context object per outermost `__call__` and thread and
    drops it at the end of the call. It must be read, never created here: a
    context that nobody ends would collect the losses of unrelated layers.
    Outside of a call nothing is kept.
    """
    context = global_state.get_global_attribute("current_call_ctx")
    if context is None:
        return make()
    memo = context.__dict__.setdefault("_keras_l0_memo", {})
    if key not in memo:
        memo[key] = make()
    return memo[key]


def flatten_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yields `layer` and every layer below it, each once."""
    yield from layer._flatten_layers()


def mark(variable: keras.Variable) -> None:
    """Marks a variable as a parameter of gates; its path may say anything."""
    variable._keras_l0_gate = True


def is_marked(variable: keras.Variable) -> bool:
    """Whether `mark` was called for `variable`."""
    return getattr(variable, "_keras_l0_gate", False)


def own_trainable_variables(
    layer: keras.layers.Layer,
) -> list[keras.Variable]:
    """What training changes in `layer` itself, when it is not frozen.

    `layer.trainable_variables` is empty while the layer is frozen.
    """
    return list(layer._trainable_variables)


def full_precision(variable: keras.Variable) -> tf.Tensor:
    """Value of `variable` as float32, under every dtype policy.

    While a layer of mixed precision is called, variables read as half.
    """
    with backend.AutocastScope(None):
        return keras.ops.cast(variable, "float32")


def operation_class(name: str) -> type:
    """Class of the nodes that a function of `keras.ops` makes in a graph."""
    for module in (ops.numpy, ops.nn, ops.core, ops.math):
        found = vars(module).get(name)
        if isinstance(found, type) and issubclass(found, keras.Operation):
            return found
    raise AttributeError(f"Keras has no operation class {name!r}.")


def functional_nodes(model: keras.Model) -> list | None:
    """Nodes of a Functional model, each after the nodes that feed it.

    A node has `operation`, `arguments` (`args`, `kwargs`), `outputs` and
    `is_input`. None for a model that is not a graph of layers, or whose own
    `call` does something else than to run the graph.
    """
    if not isinstance(model, Functional) or (
        type(model).call is not Functional.call
    ):
        return None
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth]]


def has_mask(tensor: keras.KerasTensor) -> bool:
    """Whether Keras will hand a mask on with `tensor`."""
    return get_keras_mask(tensor) is not None


def make_operation_names_unique(outputs: object) -> None:
    """Renames `keras.ops` operations whose automatic names are taken.

    A Functional model refuses two operations of one name, and operations that
    are called as functions cannot be given one.
    """
    operations = _operations_behind(outputs)
    names = {op.name for op in operations if isinstance(op, keras.Layer)}
    for operation in operations:
        if not isinstance(operation, keras.Layer):
            name, count = operation.name, 0
            while operation.name in names:
                count += 1
                operation.name = f"{name}_{count}"
            names.add(operation.name)


def _operations_behind(outputs):
    """Every operation that `outputs` were computed with, each once."""
    found: dict[int, keras.Operation] = {}
    stack = keras.tree.flatten(outputs)
    while stack:
        operation, index, _ = stack.pop()._keras_history
        if id(operation) not in found:
            found[id(operation)] = operation
            for node in operation._inbound_nodes:
                stack.extend(node.input_tensors)
    return list(found.values())


def add_sublayer(
    layer: keras.layers.Layer, name: str, sublayer: keras.layers.Layer
) -> None:
    """Gives a layer that is built, and locked, one more sublayer.

    It takes the place of the one with that name, if there is one.
    """
    locked = layer._tracker.locked
    layer._tracker.unlock()
    before = getattr(layer, name, None)
    if before is not None:
        layer._layers.remove(before)
    setattr(layer, name, sublayer)
    if locked:
        layer._tracker.lock()


def track_loss(model: keras.Model, loss: tf.Tensor, size: tf.Tensor) -> None:
    """Updates what `fit` reports as the loss, by `size` examples."""
    model._loss_tracker.update_state(loss, sample_weight=size)


class AveragedMultiOptimizer(keras.optimizers.MultiOptimizer):
    """A MultiOptimizer that looks like one optimizer with averages.

    `keras.callbacks.SwapEMAWeights` reads the averages of an optimizer from
    attributes that MultiOptimizer lacks; here they are those of all inner
    optimizers together. It also applies gradients of a part of the variables,
    as any other optimizer does.
    """

    def apply(self, grads, trainable_variables=None):
        """Updates the variables; as in `keras.optimizers.Optimizer`."""
        given = trainable_variables
        if given is None or not self.built or len(given) == self._num_known:
            super().apply(grads, trainable_variables)
            return
        for place, optimizer in enumerate(self._inner_optimizers):
            own = [
                pair
                for pair in zip(grads, given, strict=True)
                if self._var_to_optimizer_idx[self._var_key(pair[1])] == place
            ]
            if own:
                optimizer.apply(*map(list, zip(*own, strict=True)))
        self._iterations.assign_add(1)

    @property
    def _num_known(self):
        return len(self._trainable_variables_indices)

    @property
    def _model_variables_moving_average(self):
        averages = {}
        for optimizer in self._inner_optimizers:
            averages |= zip(
                map(id, optimizer._trainable_variables),
                optimizer._model_variables_moving_average,
                strict=True,
            )
        return [averages[id(v)] for v in self._trainable_variables]


# What makes a Functional model run its graph, and no other.
_GRAPH = (
    "_inputs",
    "_outputs",
    "_inputs_struct",
    "_outputs_struct",
    "_nodes",
    "_nodes_by_depth",
    "_operations",
    "_operations_by_depth",
)


def adopt_graph(model: keras.Model, other: keras.Model) -> None:
    """Makes `model` run the graph of `other`; everything else of it stays.

    Args:
        model: A Functional model.
        other: A Functional model with inputs and outputs of the same shapes.
    """
    gone = {id(layer) for layer in model.layers}
    more = [layer for layer in model._layers if id(layer) not in gone]
    with tracking.DotNotTrackScope():
        for name in _GRAPH:
            setattr(model, name, getattr(other, name))
        model._layers[:] = [*other.layers, *more]
        ids = model._tracker.stored_ids["layers"]
        ids.clear()
        ids.update(map(id, model._layers))
        if model.compiled:
            # It would keep the old layers.
            model._compiled_trainable_state = {
                layer: layer.trainable for layer in model._flatten_layers()
            }


def inner_optimizers(
    optimizer: keras.optimizers.Optimizer,
) -> list[keras.optimizers.Optimizer]:
    """The optimizers that an optimizer hands its work to."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return [optimizer.inner_optimizer]
    return list(getattr(optimizer, "_inner_optimizers", ()))


def optimized_variables(
    optimizer: keras.optimizers.Optimizer,
) -> list[keras.Variable]:
    """The variables that a built optimizer was built for."""
    return list(optimizer._trainable_variables)


def optimizer_slots(
    optimizer: keras.optimizers.Optimizer,
) -> dict[str, dict[int, keras.Variable]]:
    """Attribute -> id of an optimized variable -> what is kept for it.

    Keras' optimizers keep lists as long as that of the variables, in order.
    """
    known = optimizer._trainable_variables
    found = {}
    for name, values in vars(optimizer).items():
        if (
            isinstance(values, list)
            and name not in ("_trainable_variables", "_variables")
            and len(values) == len(known)
            and any(isinstance(value, keras.Variable) for value in values)
        ):
            pairs = zip(known, values, strict=True)
            found[name] = {id(v): s for v, s in pairs if s is not None}
    return found


def forget_variables(optimizer: keras.optimizers.Optimizer) -> None:
    """Makes an optimizer ready to be built for other variables.

    What it had before it was built, its steps and its rate, stays.
    """
    for inner in inner_optimizers(optimizer):
        forget_variables(inner)
    first = (optimizer._iterations, optimizer._learning_rate)
    stays = [v for v in optimizer._variables if any(v is f for f in first)]
    # A new list: TensorFlow saves none that something was taken out of.
    with tracking.DotNotTrackScope():
        optimizer._variables = stays
    belongs, _ = optimizer._tracker.config["variables"]
    optimizer._tracker.config["variables"] = belongs, optimizer._variables
    optimizer._tracker.stored_ids["variables"] = set(map(id, stays))
    optimizer._trainable_variables = []
    optimizer._trainable_variables_indices = {}
    optimizer.built = False


def start_at(model: keras.Model, epoch: int | None) -> None:
    """Makes `fit` begin with an epoch, None: with that of its argument."""
    model._initial_epoch = epoch


class WorkerModel(keras.Model):
    """A model that may make itself ready for the steps of `fit`.

    Under a strategy Keras runs the first step on symbols to build whatever is
    not built yet; where the replicas are in several processes it cannot.
    """

    def prepare_steps(self) -> bool:
        """Makes the model ready; False leaves it to Keras."""
        return False

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if not self.prepare_steps():
            super()._maybe_symbolic_build(iterator, data_batch)
