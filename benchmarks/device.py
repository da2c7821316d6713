"""Runs what gates do on an accelerator, and compares with the processor.

    python -m benchmarks.device

Says so, and does nothing, where TensorFlow sees none. For every gate family:

- draws, and one step of gradient descent, from the same seed on both;
- training under both policies of mixed precision, with XLA and without;
- the time of a step over the dense step's, in turns, with XLA and without.

Ends with status 1 if anything differs by more than rounding explains.
"""

import itertools
import sys

import keras
import tensorflow as tf
from absl import app
from absl import flags

from benchmarks import device_agreement as agreement
from benchmarks import overhead_child
from benchmarks import records
from benchmarks import step_timing
from benchmarks.step_overhead import FAMILIES

_PLATFORM = flags.DEFINE_enum(
    "device_platform",
    None,
    ["GPU", "TPU", "CPU"],
    "Kind of device; by default whichever accelerator is there.",
)
_FAMILIES = flags.DEFINE_multi_enum(
    "device_family", list(FAMILIES), list(FAMILIES), "Gate families."
)
_NETWORKS = flags.DEFINE_multi_enum(
    "device_network",
    ["lenet_300_100", "lenet5", "residual", "transformer"],
    ["lenet_300_100", "lenet5", "residual", "transformer"],
    "Networks whose steps are timed.",
)
_PAIRS = flags.DEFINE_integer(
    "device_pairs", 200, "Pairs of steps to time.", lower_bound=0
)
_PATH = flags.DEFINE_string(
    "device_path", "benchmarks/results/device.json", "Results."
)

_POLICIES = ("mixed_float16", "mixed_bfloat16")
_SECONDS = 20.0
NOTHING = "No accelerator is visible to TensorFlow; nothing was run."


def find(platform: str | None) -> tf.config.LogicalDevice | None:
    """The first device of a platform, or the first accelerator, or None."""
    platforms = (platform,) if platform else ("GPU", "TPU")
    for name in platforms:
        devices = tf.config.list_logical_devices(name)
        if devices:
            return devices[0]
    return None


def check(family: str, device: str) -> dict:
    """Compares one family on a device with the processor.

    Args:
        family: One of `step_overhead.FAMILIES`.
        device: As in `keras.device`.

    Returns:
        result: Differences over what rounding explains, at most 1 where all
            is right; what training under mixed precision gave; `right`.
    """
    draws = agreement.draws(family, "cpu:0")
    off = {
        "draws": agreement.compare_draws(draws, agreement.draws(family, device))
    }
    for jit_compile in (False, True):
        name = "step, XLA" if jit_compile else "step"
        # XLA draws other numbers: each way is compared with itself.
        steps = [
            agreement.step(family, place, jit_compile)
            for place in ("cpu:0", device)
        ]
        off[name] = agreement.compare_steps(family, *steps)
    mixed = {
        f"{policy}, XLA" if jit_compile else policy: agreement.learns(
            family, device, policy, jit_compile
        )
        for policy, jit_compile in itertools.product(_POLICIES, (False, True))
    }
    right = all(value <= 1 for value in off.values())
    right = right and all(result["right"] for result in mixed.values())
    return {"family": family, "right": right, "off": off, "mixed": mixed}


def times(family: str, network: str, device: str, pairs: int) -> list[dict]:
    """Times a step over the dense step, under three policies, twice each."""
    found = []
    for policy, jit_compile in itertools.product(
        ("float32", *_POLICIES), (False, True)
    ):
        keras.backend.clear_session()
        keras.config.set_dtype_policy(policy)
        try:
            with keras.device(device):
                result = _time(family, network, jit_compile, pairs)
        finally:
            keras.config.set_dtype_policy("float32")
        case = {"family": family, "network": network, "policy": policy}
        found.append({**case, "jit_compile": jit_compile, **result})
    return found


def _time(family, network, jit_compile, pairs):
    configuration = overhead_child.Configuration(network, family)
    dense = overhead_child.Configuration(network, "dense")
    batch = overhead_child.random_batch(configuration)
    steps = [
        step_timing.training_step(overhead_child.build(c), batch, jit_compile)
        for c in (dense, configuration)
    ]
    return step_timing.summary(step_timing.take_turns(*steps, pairs, _SECONDS))


def _cpu_matches():
    """Products of float32 in float32, as the processor computes them."""
    tf.config.experimental.enable_tensor_float_32_execution(False)


def _describe(device):
    physical = tf.config.list_physical_devices(device.device_type)[0]
    details = tf.config.experimental.get_device_details(physical)
    return details.get("device_name", device.device_type)


def main(argv: list[str]) -> None:
    device = find(_PLATFORM.value)
    if device is None:
        print(NOTHING)
        return
    name = f"{device.device_type.lower()}:0"
    record = {**records.origin(), "device": _describe(device)}
    record |= {"families": [], "times": []}
    _cpu_matches()
    for family in _FAMILIES.value:
        record["families"].append(check(family, name))
        print(record["families"][-1], flush=True)
        records.write(_PATH.value, record)
    for family, network in itertools.product(_FAMILIES.value, _NETWORKS.value):
        if _PAIRS.value:
            record["times"] += times(family, network, name, _PAIRS.value)
            for result in record["times"][-6:]:
                print(result, flush=True)
            records.write(_PATH.value, record)
    if not all(entry["right"] for entry in record["families"]):
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
