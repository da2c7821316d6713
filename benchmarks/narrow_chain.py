"""The chain of dependent gates of a narrower copy."""

import numpy as np

import keras_l0


def narrow_chain(
    model: keras_l0.L0Model, copy: keras_l0.L0Model, kept: list[np.ndarray]
) -> None:
    """Copies the chain, so that open gates keep their logits.

    What the gates that are left out gave to those of the next layer is added
    to the biases; it no longer moves.

    Args:
        model: A network with forward dependent gates.
        copy: Its narrower copy; the biases of its gates are changed.
        kept: For each gated layer the gates that stay.
    """
    old = keras_l0.layers.gate_layers(model)
    new = keras_l0.layers.gate_layers(copy)
    # The first kernel reads ones, as many as there are gates.
    previous = np.ones(old[0].gate_vector.num_gates)
    stay = kept[0]
    for number, gates in enumerate(kept):
        kernel = np.array(model.gate_chain.kernels[number])[:, gates]
        gone = np.setdiff1d(np.arange(len(previous)), stay)
        bias = old[number].gate_vector.logits.numpy()[gates]
        bias = bias + previous[gone] @ kernel[gone]
        new[number].gate_vector.logits.assign(bias)
        copy.gate_chain.kernels[number].assign(kernel[stay])
        previous = old[number].gate_vector.effective_logits().numpy()
        stay = gates
