"""A schedule, times a number."""

import keras

from keras_l0.gates import schedules
from keras_l0.internal.api_export import keras_l0_export


@keras_l0_export
class ScaledSchedule(schedules.Schedule):
    """Another schedule's values, times a factor.

    The price of a weight grows when a layer becomes smaller, so that a gate
    goes on to cost what it did.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        factor: Float.

    Example:

    >>> from keras_l0.surgery.scaled_schedule import ScaledSchedule
    >>> steps = keras.optimizers.schedules.PolynomialDecay(1.0, 10)
    >>> float(ScaledSchedule(steps, 3.0)(0))
    3.0
    """

    def __init__(self, schedule: schedules.Schedule, factor: float):
        if isinstance(schedule, ScaledSchedule):
            schedule, factor = schedule.schedule, schedule.factor * factor
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        return self.schedule(step) * self.factor

    def get_config(self) -> dict:
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "factor": self.factor,
        }

    @classmethod
    def from_config(cls, config: dict) -> "ScaledSchedule":
        schedule = keras.saving.deserialize_keras_object(
            dict(config["schedule"])
        )
        return cls(schedule, config["factor"])
