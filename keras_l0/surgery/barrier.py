"""Why units could not be followed through an operation."""

import enum


class Barrier(enum.Enum):
    """The reasons that a strip report gives.

    Example:

    >>> keras_l0.surgery.Barrier.NO_RULE.value
    'no strip rule is registered for this class'
    """

    NO_RULE = "no strip rule is registered for this class"
    OVERRIDDEN_CALL = (
        "the class overrides methods of the one that its rule knows"
    )
    SHARED_WEIGHTS = "the layer is called more than once"
    EXTRA_WEIGHTS = "the layer has weights that its rule does not know"
    EXTRA_INPUTS = "the call takes more tensors than its rule knows"
    DYNAMIC_SHAPE = "the shape is not known before the call"
    MASKED = "the merged tensors carry masks, which depend on all of them"
    BROADCASTING = "the merged tensors differ in shape"
    COUPLED_CHANNELS = "every output channel depends on all input channels"
    STRAY_BIAS = "Keras adds the bias along another axis than the units'"
    EQUATION = "the equation has no index to follow"
    RESHAPED = "the change of shape mixes the units with other axes"
    BATCH_AXIS = "the operation works along the batch axis"
    STATEFUL = "the layer remembers states from call to call"
    MASKED_OUT = "a mask may leave a step with nothing to attend to"
