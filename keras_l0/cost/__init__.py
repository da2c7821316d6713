"""What a network costs: parameters and multiply-accumulates."""

# The first seven are imported for the rules that they register.
from keras_l0.cost import attention as _attention  # noqa: F401
from keras_l0.cost import convolution as _convolution  # noqa: F401
from keras_l0.cost import dense as _dense  # noqa: F401
from keras_l0.cost import depthwise as _depthwise  # noqa: F401
from keras_l0.cost import kernelless as _kernelless  # noqa: F401
from keras_l0.cost import recurrent as _recurrent  # noqa: F401
from keras_l0.cost import wrappers as _wrappers  # noqa: F401
from keras_l0.cost.count import Cost
from keras_l0.cost.count import count
from keras_l0.cost.registry import register_cost_rule

__all__ = ["Cost", "count", "register_cost_rule"]
