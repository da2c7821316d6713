"""Trains on two logical devices, with and without a cut; prints the losses.

A process of its own: devices cannot be split once TensorFlow runs.
"""

import json

import keras
import tensorflow as tf

from keras_l0.callbacks.compact import Compact
from tests.training import compact_case


def losses(strategy, callbacks):
    with strategy.scope():
        model = compact_case.fresh()
        model.compile(
            keras.optimizers.Adam(0.01),
            "mse",
            gate_optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
            jit_compile=False,
        )
    kept = compact_case.Losses()
    compact_case.fit(model, 3, [kept, *callbacks])
    replicas = [
        [copy.numpy().tolist() for copy in variable.value.values]
        for variable in model.trainable_variables
    ]
    same = all(one == other for one, other in replicas)
    return [float(loss) for loss in kept.values], same, model.count_params()


def main():
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    # One for both: those of one process share the keys of their messages.
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    runs = [losses(strategy, []), losses(strategy, [Compact(patience=1)])]
    print(json.dumps(runs))


if __name__ == "__main__":
    main()
