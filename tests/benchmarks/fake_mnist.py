"""A tiny stand-in for MNIST, and recipes that finish in seconds."""

import os

import numpy as np

from benchmarks import networks
from benchmarks.recipe import Phase
from benchmarks.recipe import Recipe

TINY = Recipe(
    l0=(0.1, 0.1, 0.1),
    drop_rate=(0.5, 0.5, 0.5),
    phases=(
        Phase(2, 1e-2, gate_learning_rate=0.1),
        Phase(2, 1e-2, cosine=True, frozen=True),
    ),
    batch_size=25,
)
# No gate trains: dense networks, pruned by magnitude or small from the start.
FROZEN = Recipe(
    l0=(0.0,) * 3,
    drop_rate=(0.5,) * 3,
    phases=(Phase(1, 1e-2, frozen=True),),
    batch_size=25,
    family="straight_through",
)


def write(folder: str, num_train: int = 100, num_test: int = 20) -> None:
    """Writes `mnist.npz`: each class has its own bright pixels."""
    generator = np.random.default_rng(0)

    def split(size):
        y = np.arange(size) % networks.NUM_CLASSES
        x = generator.integers(0, 50, (size, 28, 28))
        x[np.arange(size), 2 * y + 4, 4:24] = 255
        return x.astype("uint8"), y.astype("uint8")

    x_train, y_train = split(num_train)
    x_test, y_test = split(num_test)
    np.savez(
        os.path.join(folder, "mnist.npz"),
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
    )
