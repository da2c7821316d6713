"""Attention with heads: whole heads, and widths of query, key and value."""

import dataclasses
import inspect

import keras
import numpy as np
from keras import layers

from keras_l0.graph import Ref
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.rules.einsum_dense import is_stray
from keras_l0.surgery.rules.projections import Projections
from keras_l0.surgery.selection import Selection


class AttentionRule(StripRule):
    """`output(softmax(query @ key / sqrt(k)) @ value)`, head by head.

    A head is gone if no output depends on a value of it that varies. Entries
    of a head may change places with each other, so that every head keeps its
    own; the longest decides the width, zeros fill the others.
    """

    takes_keyword_tensors = True

    def barrier(self, call):
        if len(call.output_shapes) != 1 or _roles(call) is None:
            return Barrier.EXTRA_INPUTS
        if len(call.input_shapes[0]) != 3 or len(call.output_shapes[0]) != 3:
            return Barrier.DYNAMIC_SHAPE
        names = [name.partition(":")[0] for name in call.weights]
        if names not in (["kernel"] * 4, ["kernel", "bias"] * 4):
            return Barrier.EXTRA_WEIGHTS
        config = call.layer.get_config()
        if config["sliding_window"] is not None:
            return Barrier.MASKED_OUT
        if config.get("attention_axes") not in (None, (1,)):
            return Barrier.DYNAMIC_SHAPE
        sizes = [call.weights[name].shape[1:] for name in _split(call)]
        if any(_may_stray(call, *size) for size in sizes):
            return Barrier.STRAY_BIAS
        return None

    def input_axes(self, call, axes):
        return [2] * len(axes)

    def output_axes(self, call, axes):
        return [2]

    def forward(self, call, inputs):
        weights = _folded(call, inputs)
        live = (weights.output != 0).any(axis=(0, 1, 2))
        value = np.where(live, 0, weights.output_bias)
        return [Channels(2, ~live, value)]

    def backward(self, call, inputs, kept):
        return self._wanted(call, inputs, kept[0])

    def _wanted(self, call, inputs, kept):
        """For each input the channels to compute with, at least one."""
        weights = _folded(call, inputs)
        values = _values(call, weights, kept)
        heads = values.any(axis=2)
        keys = weights.live_keys(heads)
        used = {
            "query": (weights.query != 0) & heads[..., None] & keys[:, None],
            "key": (weights.key != 0) & keys,
            "value": (weights.value != 0) & values.any(axis=1),
        }
        wanted = [np.zeros(x.size, bool) for x in inputs]
        for role, i in _roles(call).items():
            wanted[i] |= used[role].any(axis=tuple(range(1, used[role].ndim)))
        for part in wanted:
            if not part.any():
                part[0] = True  # a tensor says how many steps there are
        return wanted

    def plan(self, call, inputs, outputs, kept):
        channels = [x.channels for x in inputs]
        weights = _folded(call, channels)
        rows = [
            self._rows(part, x)
            for part, x in zip(
                self._wanted(call, channels, kept[0]), inputs, strict=True
            )
        ]
        small, heads = self._narrow(call, weights, kept[0])
        for role, i in _roles(call).items():
            x = inputs[i]
            scale = np.where(x.channels.known, 0, x.scale)[rows[i]]
            kernel = getattr(small, role)[rows[i]]
            kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
            setattr(small, role, kernel)
        use_bias = len(call.weights) == 8 or small.has_bias
        return Step(
            {
                i: x.adapt(part, absorbed=True)
                for i, (x, part) in enumerate(zip(inputs, rows, strict=True))
            },
            [Selection.of(outputs[0], kept[0])],
            {
                **self._sizes(small),
                "use_bias": use_bias,
            },
            small.named(use_bias),
            folded=sum(np.count_nonzero(x.nonzero) for x in channels),
            gates=heads,
        )

    def _rows(self, wanted, x):
        """Numbers of the channels; one that is there, if only to be there."""
        numbers = np.flatnonzero(wanted & ~x.channels.known)
        return numbers if numbers.size else np.flatnonzero(x.position >= 0)[:1]

    def _narrow(self, call, weights, kept):
        """The projections of what is left, and which heads are."""
        values = _values(call, weights, kept)
        heads = values.any(axis=2)
        groups = np.flatnonzero(heads.any(axis=1))
        if not groups.size:
            groups = np.array([0])  # a layer has at least one head
        keys = weights.live_keys(heads)
        values = values.any(axis=1)
        r, k, v = self._widths(call, heads[groups], keys, values)
        # Head by head: which to take, those that are live in front; heads
        # themselves in their order, which is that of their gates.
        take_r = np.sort(_first(heads[groups], r), axis=1)
        take_k, take_v = _first(keys[groups], k), _first(values[groups], v)
        g = groups[:, None]
        g_r, r_k = groups[:, None, None], take_r[:, :, None]
        scale = _factor(weights.key.shape[2]) / _factor(k)
        left = np.zeros(heads.shape, bool)
        left[g, take_r] = True
        # What is taken behind the live ones does nothing: its rows of the
        # output, or its queries or keys, are zeros.
        small = Projections(
            weights.query[:, g_r, r_k, take_k[:, None]] * scale,
            weights.query_bias[g_r, r_k, take_k[:, None]] * scale,
            weights.key[:, g, take_k],
            weights.key_bias[g, take_k],
            weights.value[:, g, take_v],
            weights.value_bias[g, take_v],
            weights.output[..., kept][g_r, r_k, take_v[:, None]],
            weights.output_bias[kept],
        )
        return small, left.reshape(-1)

    def _widths(self, call, heads, keys, values):
        """Heads of a group, widths of keys and of values."""
        k, v = (int(f.sum(axis=1).max(initial=1)) for f in (keys, values))
        least = 2 if _is_stray(call, len(heads), 1) else 1
        return 1, max(k, least), max(v, least)

    def _sizes(self, small):
        _, g, r, k = small.query.shape
        return {
            "num_heads": g * r,
            "key_dim": k,
            "value_dim": small.value.shape[2],
            "output_shape": (small.output.shape[-1],),
        }


@register_strip_rule(layers.MultiHeadAttention)
class MultiHeadAttentionRule(AttentionRule):
    """Every head has a key and a value of its own."""


@register_strip_rule(layers.GroupQueryAttention)
class GroupQueryAttentionRule(AttentionRule):
    """Groups of query heads that share a key and a value, all of one size.

    The layer has as many outputs as query and value have inputs, and all its
    widths are the same: inputs and outputs stay whole.
    """

    def forward(self, call, inputs):
        (output,) = super().forward(call, inputs)
        return [dataclasses.replace(output, divisible=False)]

    def _wanted(self, call, inputs, kept):
        return [np.ones(x.size, bool) for x in inputs]

    def _rows(self, wanted, x):
        return np.arange(x.channels.size)

    def _widths(self, call, heads, keys, values):
        r = int(heads.sum(axis=1).max(initial=1))
        width = int(np.stack([keys, values]).sum(axis=2).max(initial=1))
        if any(_is_stray(call, len(heads) * n, 1) for n in (1, r)):
            width = max(width, 2)
        return r, width, width

    def _sizes(self, small):
        _, g, r, k = small.query.shape
        return {
            "num_query_heads": g * r,
            "num_key_value_heads": g,
            "head_dim": k,
        }


def _values(call, weights, kept):
    """Boolean `[g, r, v]`: entries to compute; all of heads that must stay."""
    values, gate = weights.live_values(kept), call.node.heads
    if gate is None or gate.reserved is None:
        return values
    return values | gate.reserved.reshape(*values.shape[:2], 1)


def _folded(call, inputs):
    weights, roles = Projections.of(call), _roles(call)
    weights.fold(*[inputs[roles[role]] for role in ("query", "key", "value")])
    return weights


def _factor(width):
    """What Keras multiplies queries by; it rounds to float32 in any case."""
    return float(np.float32(1 / np.sqrt(width)))


def _first(flags, width):
    """Numbers of `width` entries of each row, those that are true first."""
    return np.argsort(~flags, axis=1, kind="stable")[:, :width]


def _roles(call):
    """Role of each input -> its number; None if others are given.

    The tensor of the values is that of the keys unless there is one.
    """
    node = call.node
    signature = inspect.signature(call.layer.call)
    given = signature.bind(*node.args, **node.kwargs).arguments
    tensors = {k: v for k, v in given.items() if isinstance(v, Ref)}
    inside = sum(
        isinstance(leaf, Ref)
        for leaf in keras.tree.flatten((node.args, node.kwargs))
    )
    if inside != len(tensors) or set(tensors) - {"query", "value", "key"}:
        return None
    order = [
        name
        for name, _ in [
            *zip(signature.parameters, node.args, strict=False),
            *sorted(node.kwargs.items()),
        ]
        if name in tensors
    ]
    roles = {name: order.index(name) for name in tensors}
    return {"key": roles["value"], **roles}


def _split(call):
    """Names of the kernels that make heads."""
    return [name for name in call.weights if name.startswith("kernel")][:3]


def _may_stray(call, heads, width):
    """Whether a bias of heads, or of fewer, ends along the steps.

    Narrow heads can be made no wider than they are.
    """
    fewer = range(2, heads + 1) if width == 1 else ()
    return any(_is_stray(call, n, width) for n in fewer)


def _is_stray(call, heads, width):
    """Whether Keras adds a bias of heads along the steps."""
    return any(
        is_stray((1, 1, heads, width), (None, shape[1], heads, width))
        for shape in call.input_shapes
    )
