"""One configuration of `benchmarks.step_overhead`, in a process of its own.

    python -m benchmarks.overhead_child '{"network": "lenet5", ...}'

prints its result as JSON, in the last line.
"""

import dataclasses
import json
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_l0
from benchmarks import networks
from benchmarks import process_memory
from benchmarks import step_timing
from benchmarks.budget_networks import NETWORKS

SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
_L0 = 1e-6
_STEPS_FOR_MEMORY = 30


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What is measured.

    Attributes:
        network: Name in `budget_networks.NETWORKS`.
        family: Name of a gate family, `"ar"`, or `"dense"`.
        on: `"units"`, or `"weights"` of LeNet-300-100.
        jit_compile: Whether XLA compiles the step.
        measure: `"time"`, over the dense network, or `"memory"`.
        pairs: The most pairs of steps.
        seconds: About how long they take.
        batch_size: Examples per step.
        threads: Threads of TensorFlow; 0 leaves it the choice.
        seed: Seed of weights, data and gates.
    """

    network: str
    family: str
    on: str = "units"
    jit_compile: bool = False
    measure: str = "time"
    pairs: int = 400
    seconds: float = 30.0
    batch_size: int = 128
    threads: int = 0
    seed: int = 0


def run(configuration: Configuration) -> dict:
    """Measures it in this process.

    Returns:
        result: What `step_timing.summary` gives, or `peak_mib` and, without
            what the imports took, `training_mib`.
    """
    keras.utils.set_random_seed(configuration.seed)
    imported = process_memory.resident()
    batch = random_batch(configuration)
    jit_compile = configuration.jit_compile
    model = build(configuration)
    step = step_timing.training_step(model, batch, jit_compile)
    if configuration.measure == "memory":
        for _ in range(_STEPS_FOR_MEMORY):
            step()
        most = process_memory.peak()
        return {
            "peak_mib": round(most, 1),
            "training_mib": round(most - imported, 1),
        }
    dense = build(dataclasses.replace(configuration, family="dense"))
    times = step_timing.take_turns(
        step_timing.training_step(dense, batch, jit_compile),
        step,
        configuration.pairs,
        configuration.seconds,
    )
    return step_timing.summary(times)


def gate_of(family: str) -> str | keras_l0.gates.Gate:
    """The family of that name; `"ar"` is ARM without the second pass."""
    return (
        keras_l0.gates.ARM(estimator="ar", inference="binary")
        if family == "ar"
        else family
    )


def build(configuration: Configuration) -> keras.Model:
    """The network with its gates, or without."""
    family, name = configuration.family, configuration.network
    gate = gate_of(family)
    if configuration.on == "weights" and family != "dense":
        on = ("weights",) * 3
        return networks.lenet_300_100(on, (_L0,) * 3, gate=gate)
    make, dataset = NETWORKS[name]
    dense = make(SHAPES[dataset])
    if family == "dense":
        return dense
    return keras_l0.add_gates(dense, gate, _L0, streams=True)


def random_batch(configuration: Configuration) -> tuple[tf.Tensor, tf.Tensor]:
    """Images of noise, and classes."""
    shape = SHAPES[NETWORKS[configuration.network][1]]
    generator = np.random.default_rng(configuration.seed)
    size = configuration.batch_size
    x = generator.random((size, *shape), "float32")
    return tf.constant(x), tf.constant(generator.integers(0, 10, size))


def main(argv: list[str]) -> None:
    configuration = Configuration(**json.loads(argv[1]))
    for limit in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        limit(configuration.threads)
    print(json.dumps(run(configuration)))


if __name__ == "__main__":
    main(sys.argv)
