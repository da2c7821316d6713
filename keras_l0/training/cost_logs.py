"""Reports what the gates leave of the network, after every epoch."""

import keras

from keras_l0.budget.cost_model import CostModel


class CostLogs(keras.callbacks.Callback):
    """Adds expected parameters and MACs to the logs, as fractions.

    `params` and `macs` are the expected cost of the stripped network over
    that of the network without gates.

    Args:
        cost_model: The cost of the model as a function of its gates.
    """

    async_safe = True

    def __init__(self, cost_model: CostModel):
        super().__init__()
        self._cost_model = cost_model

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        dense = self._cost_model.dense
        expected = self._cost_model(self._cost_model.expected_gates())
        for name in ("params", "macs"):
            total = getattr(dense, name)
            if total:
                logs[name] = float(getattr(expected, name)) / total
