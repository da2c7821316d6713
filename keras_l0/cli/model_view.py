"""Shows the layers of a Keras model, its gates, and what could go."""

import dataclasses

import keras

from keras_l0 import cost
from keras_l0.cli import gate_view
from keras_l0.cli.command import Answer
from keras_l0.cli.layer_costs import layer_costs
from keras_l0.internal import inputs
from keras_l0.layers import has_gates
from keras_l0.report import table


def view(path: str, model: keras.Model) -> Answer:
    """What `keras-l0 inspect` says of a Keras model.

    Raises:
        ValueError: if the model has no graph.
    """
    inputs.check_graph(model)
    total, rows = cost.count(model), layer_costs(model)
    gates = gate_view.gated(model) if has_gates(model) else None
    sites = gate_view.ungated(model) if gates is None else None
    shown = gates or sites
    document = {
        "model": path,
        "format": "keras",
        "class": type(model).__name__,
        "name": model.name,
        "total": dataclasses.asdict(total),
        "layers": [dataclasses.asdict(row) for row in rows],
        "gates": None,
        "sites": None,
        "strip": None,
        **shown.document,
    }
    lines = [
        f"{path}: {type(model).__name__} '{model.name}', {total}",
        "",
        *_layers(rows),
        "",
        shown.text,
    ]
    return Answer("\n".join(lines), document)


def _layers(rows):
    head = ("layer", "class", "units", "params", "MACs")
    cells = [
        (
            row.name,
            row.layer,
            table.with_commas(row.units),
            table.with_commas(row.params),
            table.with_commas(row.macs),
        )
        for row in rows
    ]
    return gate_view.text_table([head, *cells], 2)
