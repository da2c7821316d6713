"""What pytest sets up before a test module is imported."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

# Under pytest nobody parses absl's flags; the programs in examples/ read them.
flags.FLAGS.mark_as_parsed()
