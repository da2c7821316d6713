"""Installs keras_l0; every setting of its tools is in pyproject.toml."""

import pathlib
import re

from setuptools import find_packages
from setuptools import setup

ROOT = pathlib.Path(__file__).parent


def read_version() -> str:
    """Reads the version without importing the package, which needs Keras."""
    text = (ROOT / "keras_l0" / "version.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE).group(1)


def read_readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


PLOTS = ["matplotlib>=3.11,<4"]
EXAMPLES = [*PLOTS, "scikit-learn>=1.9,<2"]
TESTS = [
    *EXAMPLES,
    "build>=1.6,<2",
    "pytest>=9.2,<10",
    "pytest-xdist>=3.8,<4",
    "ruff>=0.17,<0.18",
    "scipy>=1.17,<2",
]

setup(
    name="keras-l0",
    version=read_version(),
    description="L0 gates for Keras 3: train, remove closed units, export.",
    long_description=read_readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    packages=find_packages(include=["keras_l0", "keras_l0.*"]),
    package_data={"": ["README.md"]},
    python_requires=">=3.11,<3.14",
    install_requires=[
        "absl-py>=2.3,<3",
        "keras>=3.15,<3.16",  # 3.15 is the first with MultiOptimizer.
        "tensorflow>=2.21,<2.22",
        "tensorflow-probability>=0.25,<0.26",
        "tf_keras>=2.21,<2.22",  # TFP cannot be imported without it.
    ],
    entry_points={"console_scripts": ["keras-l0 = keras_l0.cli.main:run"]},
    extras_require={"plots": PLOTS, "examples": EXAMPLES, "test": TESTS},
    classifiers=[
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
