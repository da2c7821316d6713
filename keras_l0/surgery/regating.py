"""Puts gates back around the layers of a smaller model, to train on."""

import keras
import numpy as np

from keras_l0.graph import Scale
from keras_l0.internal.unique_names import UniqueNames
from keras_l0.layers import GateVector
from keras_l0.layers import L0Gate
from keras_l0.surgery.plan import Plan
from keras_l0.surgery.rule import Call
from keras_l0.surgery.scaled_schedule import ScaledSchedule

# Arguments of an `L0Gate` that are worked out anew.
_OWN = ("layer", "gate_vector", "l0", "l2", "on", "axis", "name")


class Regating:
    """The gates of a smaller model that keeps them.

    A gated layer stays one `L0Gate`, around the smaller layer. Where somebody
    else reads the layer behind the gate's back the gate stands alone, around
    an `Identity`, and costs what it did.

    Args:
        plan: The plan of the smaller model.
        carries: Whether training goes on where it was, so that the price of
            a gate must stay what it is; see `settle_prices`.

    Attributes:
        vectors: `(gate vector, gates that are kept, its smaller copy)`.
    """

    def __init__(self, plan: Plan, carries: bool = False):
        self._carries = carries
        self.vectors: list[tuple[GateVector, np.ndarray, GateVector]] = []
        self._pairs: list[tuple[L0Gate, L0Gate]] = []
        self._vectors: dict[tuple, GateVector] = {}
        self._wrappers: dict[tuple, L0Gate] = {}
        self._partners, self._joined = _partners(plan)
        self._unique = UniqueNames()
        self._charged: set[int] = set()  # wrappers whose price is paid

    def around(self, call: Call, layer: keras.layers.Layer):
        """The smaller `layer`, wrapped as the one of `call` was."""
        if id(call) not in self._partners:
            return layer
        scale, kept = self._partners[id(call)]
        key = id(layer), id(scale.wrapper)
        if key not in self._wrappers:
            self._wrappers[key] = self._wrap(scale, layer, kept)
        return self._wrappers[key]

    def alone(self, call: Call, kept: np.ndarray) -> L0Gate | None:
        """What stands for a gate: nothing, if its layer was wrapped."""
        if id(call) in self._joined:
            return None
        wrapper = call.layer.wrapper
        bound = wrapper.l2 is not None or wrapper.l0_schedule is not None
        if bound or wrapper.target.gated(call.layer.gates):
            raise ValueError(
                f"`keep_gates` cannot part the gates of '{call.layer.name}' "
                "from their layer, which others read as well. Strip without "
                "`keep_gates`, or gate a layer of its own."
            )
        key = id(wrapper), call.layer.axis
        if key not in self._wrappers:
            identity = keras.layers.Identity()
            gate = self._wrap(call.layer, identity, kept, "outputs")
            self._wrappers[key] = gate
        return self._wrappers[key]

    def _wrap(self, scale: Scale, layer, kept, on=None) -> L0Gate:
        wrapper = scale.wrapper
        config = {
            name: value
            for name, value in wrapper.get_config().items()
            if name not in _OWN
        }
        l0, l2 = self._prices(wrapper)
        if on and l0 is not None:
            # An Identity has no weights that a gate might stand for.
            l0 = l0 * wrapper.target.group_size()
        if wrapper.noise_shape and wrapper.noise_shape[scale.axis] is not None:
            config["noise_shape"] = list(wrapper.noise_shape)
            config["noise_shape"][scale.axis] = int(kept.sum())
        gate = L0Gate(
            layer,
            l0=l0,
            l2=l2,
            on=on or wrapper.on,
            axis=scale.axis,
            gate_vector=self._vector(wrapper.gate_vector, kept),
            name=self._unique(wrapper.name),
            **config,
        )
        self._pairs.append((wrapper, gate))
        return gate

    def settle_prices(self) -> None:
        """Lets each gate, now built, cost what it did.

        A gate is charged for the weights that it stands for. There are fewer
        of them in a smaller layer, so that each costs more.
        """
        for wrapper, gate in self._pairs:
            if gate.l0 is None:
                continue
            factor = wrapper.target.group_size() / gate.target.group_size()
            gate.l0.assign(wrapper.l0.numpy() * factor)
            if gate.l0_schedule is not None:
                gate.l0_schedule.factor *= factor

    def _prices(self, wrapper):
        """`l0` and `l2`; none for a wrapper that has been there before."""
        if id(wrapper) in self._charged:
            return None, None
        self._charged.add(id(wrapper))
        schedule = wrapper.l0_schedule
        if schedule is not None and self._carries:
            schedule = ScaledSchedule(schedule, 1.0)
        return schedule or _value(wrapper.l0), _value(wrapper.l2)

    def _vector(self, source, kept):
        """The gates `kept` of a vector; shared where that is."""
        key = id(source), kept.tobytes()
        if key not in self._vectors:
            vector = GateVector.from_config(source.get_config())
            vector.build((int(kept.sum()),))
            vector.logits.assign(source.logits.numpy()[kept])
            state = source.seed_generator.state.numpy()
            vector.seed_generator.state.assign(state)
            vector.trainable = source.trainable
            self._vectors[key] = vector
            self.vectors.append((source, kept, vector))
        return self._vectors[key]


def _value(variable):
    return None if variable is None else float(variable.numpy())


def _partners(plan):
    """Gates that can be around a layer.

    Returns:
        partners: Id of a layer's call -> its gate, and the gates that are
            kept.
        joined: Ids of those gates' calls.
    """
    pairs = list(zip(plan.calls, plan.steps, strict=True))
    makers: dict[int, tuple] = {}
    readers: dict[int, list] = {}
    for call, step in pairs:
        makers.update(dict.fromkeys(call.node.outputs, (call, step)))
        for place, number in enumerate(call.node.inputs):
            readers.setdefault(number, []).append((call, step, place))
    for output in keras.tree.flatten(plan.outputs):
        readers.setdefault(output.tensor, []).append((None, None, 0))
    found, joined = {}, set()
    for call, step in pairs:
        heads = call.node.heads
        if heads is not None and heads.keep:
            kept = step.gates
            if kept is None:  # the layer stays whole
                kept = np.ones(heads.gates.size, bool)
            found[id(call)] = heads, kept
        if isinstance(call.layer, Scale) and step.gates is not None:
            layer_call = _layer_of(call, step, makers, readers)
            if layer_call is not None:
                found[id(layer_call)] = call.layer, step.gates
                joined.add(id(call))
    return found, joined


def _layer_of(gate, step, makers, readers):
    """The call of the gated layer, if nobody else sees what lies between."""
    wrapper = gate.layer.wrapper
    if wrapper.on == "inputs":
        between = readers.get(gate.node.outputs[0], [])
        call, its_step, place = between[0] if between else (None, None, 0)
        plain = place == 0 and _is_plain(its_step)
    else:
        between = readers[gate.node.inputs[0]]
        call, its_step = makers[gate.node.inputs[0]]
        plain = _is_plain(step)
    if len(between) != 1 or call is None or not plain:
        return None
    # A layer that has become no layer cannot be wrapped.
    stays = call.layer is wrapper.layer and its_step.config is not None
    return call if stays else None


def _is_plain(step):
    """Whether a step takes its first input just as it is."""
    adapter = step.adapters.get(0) if step else None
    return adapter is not None and adapter.is_identity
