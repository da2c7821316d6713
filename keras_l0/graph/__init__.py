"""Reads a Keras model into a plain record of operations and tensors.

The record is what surgery and cost work on. Nested models are opened, gated
layers are split into the layer and its gate, weights are copied to NumPy:
whoever holds a `Graph` can do what they like without touching the model.
"""

from keras_l0.graph.reader import read_graph
from keras_l0.graph.record import Graph
from keras_l0.graph.record import Node
from keras_l0.graph.record import Ref
from keras_l0.graph.record import Scale
from keras_l0.graph.record import named_weights
from keras_l0.graph.record import refs

__all__ = [
    "Graph",
    "Node",
    "Ref",
    "Scale",
    "named_weights",
    "read_graph",
    "refs",
]
