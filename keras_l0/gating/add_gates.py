"""Gates a whole model that exists."""

import dataclasses
import inspect
from collections.abc import Callable

import keras
import numpy as np

from keras_l0 import gates
from keras_l0.budget import Budget
from keras_l0.gates import schedules
from keras_l0.gating.channel_flow import ChannelFlow
from keras_l0.gating.placement import Placement
from keras_l0.gating.placement import cheapest
from keras_l0.gating.sites import sites_of
from keras_l0.graph import read_graph
from keras_l0.internal import layer_filter
from keras_l0.internal.deep_graphs import deep_graphs
from keras_l0.layers import GateVector
from keras_l0.layers import L0Gate
from keras_l0.layers import arguments
from keras_l0.layers import gate_vectors
from keras_l0.layers.setting import logits_around
from keras_l0.surgery.copy_model import copy_model
from keras_l0.surgery.scaled_schedule import ScaledSchedule
from keras_l0.training import L0Model

# Families whose default start, or inference, is not open.
_OPEN = {
    "arm": lambda: gates.ARM(inference="binary"),
    "dependent": lambda: gates.DependentHardConcrete(start="open"),
    # tanh is 1 only where it has no slope any more.
    "diff_prune": lambda: gates.DiffPrune(transform="clipped_sigmoid"),
}
_SURELY_OPEN = 1 - 1e-4


def add_gates(
    model: keras.Model,
    gate: str | gates.Gate = "hard_concrete",
    l0: float | keras.optimizers.schedules.LearningRateSchedule | None = None,
    *,
    include: layer_filter.LayerFilter = None,
    exclude: layer_filter.LayerFilter = None,
    streams: bool = False,
    budget: Budget | None = None,
    min_units: int | None = None,
    round_to: int | None = None,
) -> L0Model:
    """Puts gates on every group of units of a model, trained or not.

    Gates stand behind the batch normalization and the activation of each
    layer; where that is the same and cheaper, in front of a ReLU, on the
    weights of what stands there, or behind a pooling. Heads of attention are
    gated as such, and what leads to a model output unmixed has no gates. All
    gates start open: in inference the result computes bit for bit what `model`
    computes.

    Args:
        model: A built Functional or Sequential model. It is not touched;
            nested models are opened.
        gate: Name of a gate family or a `keras_l0.gates.Gate` that can be
            open. Defaults to `"hard_concrete"`.
        l0: Non-negative float, schedule or None: price of one weight, as in
            `L0Gate`. Defaults to None.
        include: Layers whose units to gate: a regular expression that is
            searched for in the path, a class, a function of the layer, or a
            list of these. None means all. Defaults to None.
        exclude: Layers whose units not to gate, likewise. Defaults to None.
        streams: Whether layers that write one residual stream share gates, so
            that the stream itself becomes narrower; without it they have
            none. Defaults to `False`.
        budget: Size of the network that `fit` is to reach, in place of `l0`.
            Defaults to None.
        min_units: As in `keras_l0.Budget`, in place of the budget's own.
            Defaults to None, the budget's.
        round_to: Likewise.

    Returns:
        gated: An `L0Model`, not compiled.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model is not built, is a subclassed model, has
            gates already or nothing to gate; if a filter fits no layer, the
            gates cannot start open, the budget is out of reach, both `l0` and
            `budget` are given, or `min_units` or `round_to` without a budget.

    Example:

    >>> model = keras.Sequential(
    ...     [
    ...         keras.Input((4,)),
    ...         keras.layers.Dense(8, activation="relu"),
    ...         keras.layers.Dense(2),
    ...     ]
    ... )
    >>> gated = keras_l0.add_gates(model, l0=1e-4)
    >>> x = np.ones((3, 4), "float32")
    >>> bool((gated(x) == model(x)).numpy().all())
    True
    """
    budget = _budget(budget, l0, min_units, round_to)
    l0 = arguments.factor("l0", l0)
    graph = read_graph(model)
    sites = sites_of(graph, include, exclude, streams)
    chosen = [site for site in sites if site.reason is None]
    if not chosen:
        raise ValueError(_nothing(model, sites))
    family, flow = _family(gate), ChannelFlow(graph)
    placed = [cheapest(flow, site, family) for site in chosen]
    wrapper = _Wrapper(placed, family, l0)
    with deep_graphs(2 * len(graph.nodes)):
        gated = L0Model.from_model(copy_model(graph, model.name, wrapper))
    _open(gated)
    if budget is not None:
        gated.set_budget(budget)
    return gated


def _budget(budget, l0, min_units, round_to):
    """The budget, with what is given beside it."""
    given = {"min_units": min_units, "round_to": round_to}
    given = {name: value for name, value in given.items() if value is not None}
    if budget is None and given:
        raise ValueError(
            "`min_units` and `round_to` belong to a budget; without one give "
            f"them to `strip_gates`. Received: {given}, budget=None"
        )
    if budget is not None and l0 is not None:
        raise ValueError(
            "`l0` is a price, and a budget finds its own: give one of them. "
            f"Received: l0={l0!r}, budget={budget!r}"
        )
    return dataclasses.replace(budget, **given) if given else budget


def _family(gate):
    if isinstance(gate, str) and gate in _OPEN:
        return _OPEN[gate]()
    return gates.get(gate)


def _nothing(model, sites):
    reasons = sorted({site.reason for site in sites})
    return (
        f"Model '{model.name}' has nothing to gate: of {len(sites)} layers "
        f"with units all are left out ({', '.join(reasons) or 'no layers'})."
    )


class _Wrapper:
    """Wraps copies of layers, by the name of their call."""

    def __init__(self, placed: list[Placement], gate, l0):
        self._placed = {found.site.behind: found for found in placed}
        self._gate, self._l0 = gate, l0
        self._wrapped: dict[int, L0Gate] = {}
        self._streams: dict[str, GateVector] = {}

    def __call__(self, name: str, layer: keras.layers.Layer):
        """The layer, wrapped if its call is a site."""
        if name not in self._placed:
            return layer
        placement = self._placed[name]
        site = placement.site
        if id(layer) not in self._wrapped:
            vector = self._vector(site)
            self._wrapped[id(layer)] = L0Gate(
                layer,
                self._gate if vector is None else None,
                _times(self._l0, placement.weights),
                site.on,
                site.axis,
                vector,
                name=f"{layer.name}_gated",
            )
        wrapped = self._wrapped[id(layer)]
        return wrapped if site.on == "outputs" else _by_name(wrapped)

    def _vector(self, site):
        if site.stream is None:
            return None
        if site.stream not in self._streams:
            name = f"{site.stream.replace('/', '_')}_stream"
            self._streams[site.stream] = GateVector(self._gate, name=name)
        return self._streams[site.stream]


def _times(l0, factor):
    """The price of so many weights."""
    if l0 is None or factor == 1:
        return l0
    if isinstance(l0, schedules.Schedule):
        return ScaledSchedule(l0, factor)
    return l0 * factor


def _by_name(gate: L0Gate) -> Callable:
    """Calls gated attention, which takes all but the query by name."""
    names = list(inspect.signature(gate.layer.call).parameters)

    def call(*args, **kwargs):
        named = dict(zip(names[1:], args[1:], strict=False))
        return gate(args[0], **named, **kwargs)

    return call


def _open(gated):
    """Sets all logits to the lowest value whose gates are exactly 1."""
    for vector in gate_vectors(gated).values():
        if not vector.gate.chained:
            logit = _open_logit(vector.gate)
            if logit is not None:
                vector.logits.assign(np.full(vector.num_gates, logit))
        if (vector.deterministic_gate().numpy() != 1).any():
            raise ValueError(
                "The gates must be able to start open, at exactly 1. "
                f"Received: gate={type(vector.gate).__name__} with "
                f"{vector.gate.get_config()}"
            )


def _open_logit(gate):
    """The lowest logit whose gate is 1; None if it saturates."""
    _, lowest = logits_around(gate, 1.0)
    # A little above it, lest the first step closes what was just open.
    logit = np.float32([lowest + 0.1])
    saturated = gate.stochastic and (
        float(gate.prob_nonzero(logit)[0]) > _SURELY_OPEN
    )
    return None if saturated else float(logit[0])
