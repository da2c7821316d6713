"""The public entry: a gated model in, a smaller stock model out."""

import dataclasses

import keras
from absl import logging

from keras_l0 import cost
from keras_l0.graph import read_graph
from keras_l0.internal import inputs
from keras_l0.internal import layer_filter
from keras_l0.internal.agreement import measure
from keras_l0.internal.deep_graphs import deep_graphs
from keras_l0.internal.model_runner import model_runner
from keras_l0.surgery.alignment import align
from keras_l0.surgery.analysis import analyze
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.copy_model import opaque
from keras_l0.surgery.folding import fold_gates
from keras_l0.surgery.plan import make_plan
from keras_l0.surgery.rebuild import rebuild
from keras_l0.surgery.refusals import refuse_chains
from keras_l0.surgery.refusals import refuse_dead_ends
from keras_l0.surgery.refusals import refuse_implicit_masks
from keras_l0.surgery.report import BarrierReport
from keras_l0.surgery.report import LayerReport
from keras_l0.surgery.report import StripReport
from keras_l0.surgery.reserve import Limits
from keras_l0.surgery.reserve import reserve

_PROBE_ROWS = 8


def strip_gates(
    model: keras.Model,
    return_report: bool = False,
    probe: object = None,
    *,
    min_units: int = 0,
    round_to: int = 1,
    include: layer_filter.LayerFilter = None,
    exclude: layer_filter.LayerFilter = None,
    dry_run: bool = False,
    keep_gates: bool = False,
) -> keras.Model | StripReport | tuple[keras.Model, StripReport]:
    """Removes the units that gates have closed, and the gates themselves.

    For every input, in inference mode, the result computes what `model`
    computes, up to rounding. Constants of closed units are folded into the
    layers that read them, gates between 0 and 1 into the weights around them.
    What cannot be followed is left whole, and named in the report.

    Args:
        model: A built Functional or Sequential model. It is not touched. A
            model without gates gives an equal copy, and a note.
        return_report: Whether to return a report as well. It runs both models
            on `probe`. Defaults to `False`.
        probe: Inputs for the report, as `predict` takes them: an array
            `[n, ...]`, or a list or dict of them. None draws random ones.
            Defaults to None.
        min_units: Integer, at least 0. Units that each gated layer keeps at
            least. Defaults to 0.
        round_to: Integer, at least 1. Each gated layer keeps a multiple of so
            many units, or all that it has; a layer without any open unit goes
            as a whole. Defaults to 1.
        include: Gated layers to cut: a regular expression that is searched
            for in the name of the `L0Gate` (`/` leads into nested models), a
            class of the gated layer, a function of it that returns a boolean,
            or a list of these. None means all. Defaults to None.
        exclude: Gated layers to keep whole, likewise. Defaults to None.
        dry_run: Whether to return the report only. Defaults to `False`.
        keep_gates: Whether the units that stay keep their gates, to train on.
            Only closed units go then; no gate is folded. An `L0Model` gives an
            `L0Model`. Needs gates on outputs, inputs or heads that do not
            depend on each other. Defaults to `False`.

    Closed units that `min_units`, `round_to`, `include` and `exclude` keep
    are those with the highest logits. Each keeps the weights that compute it,
    and adds nothing: whoever reads it has weights of 0 for it.

    Returns:
        small: A new Functional model of stock Keras layers (and of gates, if
            `keep_gates`), not compiled; not if `dry_run`.
        report: A `keras_l0.surgery.StripReport`, if `return_report` or
            `dry_run`.

    Raises:
        TypeError: if `model` is not a Keras model, or an option is of another
            type.
        ValueError: if the model is not built or is a subclassed model, if
            gates or masks are out of reach, if gates have closed every way
            from the inputs to an output, if `probe` does not fit, an option is
            out of its range, or a filter fits no layer.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3, activation="relu"))
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), gated, keras.layers.Dense(1)]
    ... )
    >>> _ = gated.gate_vector.logits.assign([3.0, -3.0, 0.0])
    >>> [layer.units for layer in keras_l0.strip_gates(model).layers[1:]]
    [2, 1]
    """
    limits = Limits(min_units, round_to, include, exclude)
    graph = read_graph(model, keep_gates)
    if keep_gates:
        refuse_chains(graph)
    reserved = reserve(graph, limits)
    data = None if probe is None else inputs.as_arrays(model, probe, "probe")
    aligned = align(graph)
    if graph.gates:
        refuse_implicit_masks(graph)
        fold_gates(aligned)
    else:
        logging.warning("Model '%s' has no gates to strip.", model.name)
        aligned = opaque(aligned)
    analysis = analyze(aligned)
    refuse_dead_ends(graph, analysis)
    plan = make_plan(aligned, analysis)
    small = rebuild(plan, graph, model.name)
    if keep_gates and hasattr(type(model), "from_model"):  # an L0Model
        with deep_graphs(5 * len(plan.calls)):
            small = type(model).from_model(small)
    if not return_report and not dry_run:
        return small
    agreement = _compare(model, small, data)
    report = _report(model, small, aligned, analysis, plan, agreement)
    report = dataclasses.replace(report, reserved=reserved)
    if not graph.gates:
        note = "The model has no gates; it is copied."
        report = dataclasses.replace(report, barriers=(), notes=(note,))
    return report if dry_run else (small, report)


def _compare(model, small, data):
    """How far the outputs of the two models lie apart."""
    data = inputs.made_up(model, _PROBE_ROWS) if data is None else data
    return measure(model_runner(model)(data), model_runner(small)(data))


def _report(model, small, aligned, analysis, plan, agreement):
    before, after = cost.count(model), cost.count(small)
    return StripReport(
        layers=_layers(aligned, analysis, plan),
        barriers=_barriers(aligned),
        params_before=before.params,
        params_after=after.params,
        macs_before=before.macs,
        macs_after=after.macs,
        max_difference=agreement.max_difference,
        output_scale=agreement.max_reference,
    )


def _layers(aligned, analysis, plan):
    """One row per layer with weights, those that are gone included.

    A sum has a row if constants were folded into it.
    """
    steps = {
        id(call): step
        for call, step in zip(plan.calls, plan.steps, strict=True)
    }
    rows = []
    for call in aligned.calls:
        step = steps.get(id(call))
        if not call.weights and not (step and step.folded):
            continue
        rows.append(
            LayerReport(
                call.node.name,
                call.node.type_name,
                analysis.channels[call.node.outputs[0]].size,
                step.selections[0].width if step else 0,
                step.folded if step else 0,
            )
        )
    return tuple(rows)


def _barriers(aligned):
    rows = []
    for call, rule in zip(aligned.calls, aligned.rules, strict=True):
        reason = rule
        if not isinstance(rule, Barrier):
            axes = [aligned.axes[t] for t in call.node.inputs]
            reason = rule.stops(call, axes)
        if reason is not None:
            name, kind = call.node.name, call.node.type_name
            rows.append(BarrierReport(name, kind, reason))
    return tuple(rows)
