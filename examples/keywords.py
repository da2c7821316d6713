"""Made-up keywords: vowels sung by formulas, as log-mel spectrograms.

Nobody speaks here. Each word is three vowels, each vowel three resonances
(formants) at the frequencies that Peterson and Barney measured for men in 1952.
A speaker has a pitch and a length of the vocal tract, speaks at some speed,
starts at some time, and there is noise. That is enough for a task that needs
both frequency and time, and far from enough to say anything about speech.
"""

import keras
import numpy as np
import tensorflow as tf

from examples.datasets import Dataset

WORDS = (
    "aiu",
    "aui",
    "iau",
    "iua",
    "uai",
    "uia",
    "aeo",
    "oea",
    "eoi",
    "ioe",
)
SAMPLES_PER_SECOND = 8000

_FORMANTS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
_LOUDNESS = (1.0, 0.5, 0.25)
_SAMPLES = 4000
_FRAME, _STEP, _MEL_BINS = 256, 128, 20


def load(words: int = 1600, seed: int = 0) -> Dataset:
    """Makes the words: an eighth to choose by, a quarter for the last test.

    Args:
        words: How many.
        seed: Of what is random in them.

    Returns:
        dataset: A `Dataset` of spectrograms `[n, 30, 20, 1]`.

    Example:

    >>> from examples import keywords
    >>> keywords.load(80).x_test.shape
    (20, 30, 20, 1)
    """
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(words) % len(WORDS))
    x = spectrograms(_speak(y, generator))
    test, held = words // 4, words // 8
    train = slice(test + held, None)
    # Whoever deploys the network does as the training set says.
    x = (x - x[train].mean()) / x[train].std()
    return Dataset(
        x_train=x[train],
        y_train=y[train],
        x_validation=x[test : test + held],
        y_validation=y[test : test + held],
        x_test=x[:test],
        y_test=y[:test],
        num_classes=len(WORDS),
    )


def _speak(y, generator):
    """Half a second of sound for each word."""
    count = len(y)

    def draw(low, high):
        return generator.uniform(low, high, (count, 1)).astype("float32")

    seconds = np.arange(_SAMPLES, dtype="float32") / SAMPLES_PER_SECOND
    length, tract, pitch = draw(0.3, 0.45), draw(0.85, 1.15), draw(90, 220)
    start = draw(0, 1) * (seconds[-1] - length)
    place = (seconds - start) / length  # From 0 to 1 while the word lasts.
    sound = 0
    for formant, loudness in enumerate(_LOUDNESS):
        frequency = tract * _trajectory(y, place, formant)
        phase = np.cumsum(frequency, axis=1) / SAMPLES_PER_SECOND
        sound += loudness * np.sin(2 * np.pi * (phase + draw(0, 1)))
    # The voice: a pulse in each period of the pitch.
    sound *= (0.5 + 0.5 * np.cos(2 * np.pi * pitch * seconds)) ** 2
    sound *= (place >= 0) & (place <= 1)
    noise = generator.standard_normal(sound.shape, dtype="float32")
    return draw(0.3, 1) * (sound + draw(0.1, 0.6) * noise)


def _trajectory(y, place, formant):
    """Frequencies `[n, samples]`: from vowel to vowel, without a jump."""
    vowels = np.array(
        [[_FORMANTS[vowel][formant] for vowel in word] for word in WORDS],
        dtype="float32",
    )[y]
    position = np.clip(place * 3 - 0.5, 0, 2)
    return sum(
        vowels[:, [number]] * np.clip(1 - np.abs(position - number), 0, 1)
        for number in range(3)
    )


def spectrograms(sound: np.ndarray) -> np.ndarray:
    """Logarithms of the energies `[n, frames, mel bins, 1]` of sounds `[n, t]`.

    Args:
        sound: Float array, 8,000 samples for each second.
    """
    spectrum = tf.abs(tf.signal.stft(sound, _FRAME, _STEP))
    to_mel = tf.signal.linear_to_mel_weight_matrix(
        _MEL_BINS, spectrum.shape[-1], SAMPLES_PER_SECOND, 80.0, 3800.0
    )
    energies = tf.tensordot(spectrum**2, to_mel, 1)
    return keras.ops.convert_to_numpy(tf.math.log(energies + 1e-3))[
        ..., np.newaxis
    ]
