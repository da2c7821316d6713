"""A public class at work: a row of the tables of tests/descriptors.py."""

import dataclasses
from collections.abc import Callable

import keras
from keras import layers

import keras_l0
from tests import test_util


def _sgd(**options):
    return keras_l0.training.GatedOptimizer(
        keras.optimizers.SGD(0.1, **options),
        keras.optimizers.SGD(0.1, **options),
    )


@dataclasses.dataclass(frozen=True)
class Row:
    """A public class at work.

    Attributes:
        name: Name of the row in the log.
        make: Function that returns an object of the class. Between them, the
            rows of a class give every argument a value other than its default.
        layer: Function of the object: a layer of inputs `[batch, 4]` that
            uses it.
        pathwise: Whether differentiation trains the gates.
        smooth: Whether the gates of inference are a function of the logits
            that has a derivative.
        optimizer: Function of options of a Keras optimizer, which weights and
            gates are then trained with.
    """

    name: str
    make: Callable[[], object]
    layer: Callable[[object], keras.layers.Layer] = lambda made: made
    pathwise: bool = True
    smooth: bool = True
    optimizer: Callable[..., keras.optimizers.Optimizer] = _sgd

    @property
    def cls(self) -> type:
        return type(self.make())

    def model(self) -> keras.Model:
        """A built model that uses the object; the same one every time."""
        keras.utils.set_random_seed(test_util.test_seed())
        made = self.make()
        if isinstance(made, keras.Model):
            return made
        inputs = [keras.Input((4,)), layers.Dense(4)]
        model = keras.Sequential([*inputs, self.layer(made), layers.Dense(2)])
        if isinstance(made, keras_l0.Budget):
            model = keras_l0.L0Model.from_model(model)
            model.set_budget(made)
        if getattr(made, "needs_model", False):
            return keras_l0.L0Model.from_model(model)
        return model

    def l0_model(self) -> keras_l0.L0Model:
        """`model()`, as an `L0Model`."""
        model = self.model()
        if isinstance(model, keras_l0.L0Model):
            return model
        return keras_l0.L0Model.from_model(model)
