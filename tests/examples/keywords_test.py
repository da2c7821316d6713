"""Tests of the made-up keywords."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from examples import keywords
from tests import test_util


class KeywordsTest(test_util.TestCase):
    def test_parts_have_all_words(self):
        data = keywords.load(160)
        sizes = [len(data.x_train), len(data.x_validation), len(data.x_test)]
        self.assertEqual(sizes, [100, 20, 40])
        y = np.concatenate([data.y_train, data.y_validation, data.y_test])
        self.assertAllEqual(np.bincount(y), [16] * 10)
        self.assertEqual(data.num_classes, 10)
        self.assertEqual(data.x_train.shape, (100, 30, 20, 1))
        self.assertEqual(data.x_train.dtype, np.float32)

    def test_the_same_seed_makes_the_same_words(self):
        first, second = keywords.load(80), keywords.load(80)
        self.assertAllEqual(first.x_test, second.x_test)
        self.assertAllEqual(first.y_test, second.y_test)
        self.assertNotAllClose(first.x_test, keywords.load(80, 1).x_test)

    def test_no_word_is_spoken_twice(self):
        data = keywords.load(160)
        x = np.concatenate([data.x_train, data.x_validation, data.x_test])
        self.assertLen(np.unique(x.reshape(160, -1), axis=0), 160)

    @parameterized.parameters(200.0, 1000.0, 3000.0)
    def test_a_tone_is_found_at_its_place_on_the_mel_scale(self, hertz):
        seconds = np.arange(4000) / 8000
        tone = np.sin(2 * np.pi * hertz * seconds).astype("float32")
        found = keywords.spectrograms(tone[np.newaxis])[0, ..., 0]

        def mel(frequency):
            return 1127 * np.log(1 + frequency / 700)

        edges = np.linspace(mel(80), mel(3800), 22)
        centers = edges[1:-1]
        nearest = np.abs(centers - mel(hertz)).argmin()
        self.assertAllEqual(found.argmax(axis=1), [nearest] * 30)

    def test_a_vowel_has_its_formants_in_its_third_of_the_word(self):
        """In the middle of an "i" the second formant is high, in a "u" low."""
        data = keywords.load(800)
        x = data.x_train[..., 0]

        def low_minus_high(word, rows):
            chosen = x[data.y_train == keywords.WORDS.index(word)]
            energy = chosen[:, rows].mean(axis=(0, 1))
            return energy[8:12].mean() - energy[14:18].mean()

        # Start and speed vary, but the first vowel always comes first.
        self.assertGreater(
            low_minus_high("uai", slice(4, 10)),
            low_minus_high("iau", slice(4, 10)),
        )
        self.assertLess(
            low_minus_high("uai", slice(18, 26)),
            low_minus_high("iau", slice(18, 26)),
        )


if __name__ == "__main__":
    absltest.main()
