"""Cuts units out of a model that goes on training, and says what went where."""

import dataclasses
import random
from collections.abc import Callable
from collections.abc import Iterable

import keras
import numpy as np

from keras_l0.graph import Graph
from keras_l0.graph import named_weights
from keras_l0.graph import read_graph
from keras_l0.layers import GateVector
from keras_l0.layers.gate_chain import GateChain
from keras_l0.surgery.alignment import align
from keras_l0.surgery.analysis import analyze
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.coding import decode
from keras_l0.surgery.coding import taken
from keras_l0.surgery.coding import with_codes
from keras_l0.surgery.plan import make_plan
from keras_l0.surgery.rebuild import Builder
from keras_l0.surgery.refusals import refuse_implicit_masks
from keras_l0.surgery.regating import Regating

# Layers that make something of zeros in training, and nothing in inference.
_NOISY = (keras.layers.GaussianNoise, keras.layers.AlphaDropout)


@dataclasses.dataclass(frozen=True)
class Move:
    """A variable of the smaller model, and where its entries come from.

    Attributes:
        old, new: The variables.
        indices: Flat indices into the old one, of the shape of the new one;
            None: all of it.
    """

    old: keras.Variable
    new: keras.Variable
    indices: np.ndarray | None = None

    def carry(self, values: np.ndarray) -> np.ndarray:
        """What the new variable takes of an array of the old one's shape."""
        if self.indices is None:
            return values
        return values.reshape(-1)[self.indices]


@dataclasses.dataclass(frozen=True)
class Cut:
    """A smaller model that trains on where another one stopped.

    Attributes:
        model: The smaller model, a plain Functional one, with the values of
            the old one: weights, logits, seeds.
        moves: One for each of its weights.
        vectors: `(old gate vector, gates that are kept, new one)`.
        chain: Chain of the new dependent gate vectors, if there are any.
    """

    model: keras.Model
    moves: list[Move]
    vectors: list[tuple[GateVector, np.ndarray, GateVector]]
    chain: GateChain | None = None


def cut(model: keras.Model, removes: Callable[[GateVector], np.ndarray]) -> Cut:
    """Cuts units out of a model, as if their gates were 0 for good.

    Unlike `strip_gates` it relies on nothing that training may change: only
    units that are 0 because of their gates go, with what computes them and
    what reads them. A layer that makes something else of zeros (a batch
    normalization behind the gates) gets them put in, and stays whole; so does
    one whose smaller weights would not be a part of its own.

    Args:
        model: A built Functional or Sequential model with gates on outputs,
            inputs or heads; it is only looked at.
        removes: Function of a gate vector: which units go, boolean
            `[num_gates]`; not all of them.

    Returns:
        cut: The smaller model, which shares nothing with `model`.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if its graph is not known, gates cannot be kept, or layers
            that share gates would part.
    """
    # New layers draw seeds; whoever draws next is to notice nothing.
    state = random.getstate()
    try:
        chain = getattr(model, "gate_chain", None)
        return _cut(_coded(model, removes), model.name, chain)
    finally:
        random.setstate(state)


def _cut(graph, name, chain):
    refuse_implicit_masks(graph)
    plan, found = _plan(graph)
    originals = {}
    for call, step in zip(plan.calls, plan.steps, strict=True):
        key = id(call.layer)
        if key not in originals:
            originals[key] = taken(call.layer, None)
        if step.weights is not None:
            step.weights = taken(call.layer, found[id(call)])
        call.node.weights = originals[key]
    regating = Regating(plan, carries=True)
    builder = Builder(regating, regating.around)
    small = builder.build(plan, graph, name)
    _check_tied(regating.vectors)
    regating.settle_prices()
    chain, links = _shortened(chain, regating.vectors)
    moves = _moves(builder.copies, found) + _gate_moves(regating) + links
    return Cut(small, moves, regating.vectors, chain)


def _coded(model, removes) -> Graph:
    graph = read_graph(model, keep_gates=True)
    for node in graph.nodes:
        if node.gate is not None:
            removed = removes(node.gate.wrapper.gate_vector)
            node.change_gate(gates=1.0 - np.asarray(removed, "float64"))
    return with_codes(graph)


def _plan(graph):
    """A plan, and for each call the indices of its layer's weights."""
    aligned = align(graph)
    for index, call in enumerate(aligned.calls):
        if isinstance(call.layer, _NOISY):
            _stop(aligned, index)
    while True:
        analysis = analyze(aligned)
        stopped = [
            _stop(aligned, index)
            for index, call in enumerate(aligned.calls)
            if call.node.inputs and _shows(analysis, call)
        ]
        if any(stopped):
            continue
        plan = make_plan(aligned, analysis)
        found = {
            id(call): decode(step.weights, call.weights)
            for call, step in zip(plan.calls, plan.steps, strict=True)
        }
        odd = [
            _stop(aligned, index)
            for index, call in enumerate(aligned.calls)
            if found.get(id(call)) is False
        ]
        if not any(odd):
            return plan, found


def _shows(analysis, call):
    """Whether a call makes something else of the zeros of closed units."""
    return any(analysis.channels[t].nonzero.any() for t in call.node.outputs)


def _stop(aligned, index):
    """Makes a barrier of a call, and those of its layer; whether it was none.

    A barrier gets its inputs whole and is copied.
    """
    if isinstance(aligned.rules[index], Barrier):
        return False
    for place in aligned.sharing.group(index):
        aligned.rules[place] = Barrier.NO_RULE
    return True


def _check_tied(vectors):
    """Layers of one gate vector must not part."""
    seen: set[int] = set()
    for source, _, _ in vectors:
        if id(source) in seen:
            raise ValueError(
                f"The layers that share the gates '{source.name}' would part: "
                "one of them cannot become smaller. Give it gates of its own."
            )
        seen.add(id(source))


def _moves(copies, found):
    moves, seen = [], {}
    for call, _, copy in copies:
        if not isinstance(copy, keras.layers.Layer):
            continue
        old, new = named_weights(call.layer), named_weights(copy)
        if old and seen.setdefault(id(call.layer), copy) is not copy:
            raise ValueError(
                f"The calls of layer '{call.layer.name}' "
                f"({type(call.layer).__name__}) would need layers of their "
                "own: its weights cannot become smaller for all of them."
            )
        indices = found[id(call)] or {}
        moves += [Move(old[k], new[k], indices.get(k)) for k in new]
        _copy_seeds(call.layer, copy)
    return moves


def _gate_moves(regating):
    moves = []
    for source, kept, vector in regating.vectors:
        for old, new in zip(source.weights, vector.weights, strict=True):
            is_logits = old is source.logits
            places = np.flatnonzero(kept) if is_logits else None
            moves.append(Move(old, new, places))
            new.assign(moves[-1].carry(old.numpy()))
    return moves


def _shortened(chain, vectors):
    """The chain of the new vectors, if there is one, and its moves."""
    if chain is None:
        return None, []
    small, origins = chain.shortened(vectors)
    moves = [Move(*origin) for origin in origins]
    for move in moves:
        move.new.assign(move.carry(move.old.numpy()))
    return small, moves


def _copy_seeds(source, copy):
    """The states of random numbers, which are no weights."""
    pairs = zip(_seeds(source), _seeds(copy), strict=True)
    for old, new in pairs:
        new.assign(old.numpy())


def _seeds(layer) -> Iterable[keras.Variable]:
    weights = {id(weight) for weight in layer.weights}
    return [v for v in layer.variables if id(v) not in weights]
