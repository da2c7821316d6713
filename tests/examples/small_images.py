"""Images that a network learns in a few steps."""

import numpy as np

from examples import datasets

CLASSES = 4


def stripes(height: int = 8) -> datasets.Dataset:
    """Images, 8 pixels wide, with noise: one of four bright bands."""
    band = height // CLASSES
    generator = np.random.default_rng(17)

    def part(images):
        y = np.arange(images) % CLASSES
        x = generator.uniform(0, 0.5, (images, height, 8, 1)).astype("float32")
        for image, label in zip(x, y, strict=True):
            image[band * label : band * (label + 1)] += 0.5
        return x, y

    return datasets.Dataset(*part(256), *part(40), *part(80), CLASSES)
