import keras

import keras_l0

IMAGE_SIZE = 28


def build(gated, image_shape=(28, 28, 1), num_classes=10, l0=(0.0,) * 4):
    init = keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")

    def dense(units, activation=None, name=None):
        return keras.layers.Dense(units, activation, kernel_initializer=init, name=name)

    def conv(filters, name):
        return keras.layers.Conv2D(filters, 5, activation="relu", kernel_initializer=init, name=name)

    def gate(layer, on, l0):
        if not gated:
            return layer
        return keras_l0.L0Gate(layer, on=on, l0=l0, name=f"{layer.name}_{on}")

    return keras.Sequential(
        [
            keras.Input(image_shape),
            gate(conv(20, "conv1"), "outputs", l0[0]),
            keras.layers.MaxPooling2D(),
            gate(conv(50, "conv2"), "outputs", l0[1]),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            gate(dense(500, "relu", "fc1"), "inputs", l0[2]),
            gate(dense(num_classes, None, "fc2"), "inputs", l0[3]),
        ],
        name="lenet5",
    )
