"""What the tests of patterns share: gates, and the look at what is left."""

from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import units

# Four and three of six units stay; two of them in both, five in either.
GATES = [0, 1, 0.3, 0, 0.8, 1]
OTHERS = [1, 0, 0, 0.5, 1, 0]


class PatternTestCase(StripTestCase):
    """Base class: one method that strips a network and looks at its widths."""

    def check(self, inputs, outputs, barriers=(), data=None, **widths):
        """Strips the model and returns the smaller one.

        Fails if outputs differ, if a layer named in `widths` has another
        number of units, or if other calls than `barriers` were left whole.
        """
        model = self.finish(inputs, outputs)
        small, self.report = self.strip(model, data)
        found = {name: units(small, name) for name in widths}
        self.assertEqual(found, widths)
        self.assertEqual(
            [row.reason for row in self.report.barriers], list(barriers)
        )
        return small

    def names(self, model):
        """Names of the layers of `model`."""
        return [layer.name for layer in model.layers]
