"""Tests of adding callbacks to those of `fit`."""

import keras
from absl.testing import absltest

from keras_l0.training.callback_lists import extended
from keras_l0.training.callback_lists import listed
from keras_l0.training.callback_lists import with_backups_last
from tests import test_util


class CallbackListsTest(test_util.TestCase):
    def test_added_ones_stand_around(self):
        first, second, third = (keras.callbacks.Callback() for _ in range(3))
        before = keras.callbacks.Callback()
        for given in ([first, second], (first, second)):
            found = extended(given, None, [before], [third])
            self.assertEqual(found, [before, first, second, third])
        self.assertEqual(extended(first, None, (), [third]), [first, third])
        self.assertEqual(extended(None, None, [before]), [before])

    def test_given_list_is_not_changed(self):
        given = [keras.callbacks.Callback()]
        extended(given, None, [keras.callbacks.Callback()])
        self.assertLen(given, 1)

    def test_callback_list_is_extended(self):
        model = keras.Sequential([keras.layers.Dense(1)])
        own, added, last = (keras.callbacks.Callback() for _ in range(3))
        given = keras.callbacks.CallbackList([own], model=model, epochs=3)
        self.assertIs(extended(given, model, [added], [last]), given)
        self.assertEqual(given.callbacks, [added, own, last])
        self.assertIs(added.model, model)
        self.assertEqual(added.params, {"epochs": 3})
        self.assertIs(last.model, model)

    def test_backups_come_last(self):
        backup = keras.callbacks.BackupAndRestore("folder")
        first, second = (keras.callbacks.Callback() for _ in range(2))
        ordered = [first, second, backup]
        found = with_backups_last([first, backup, second])
        self.assertEqual(found, ordered)
        self.assertEqual(with_backups_last(None), [])
        model = keras.Sequential([keras.layers.Dense(1)])
        given = keras.callbacks.CallbackList(
            [backup, first, second], model=model
        )
        self.assertIs(with_backups_last(given), given)
        self.assertEqual(listed(given), ordered)
        self.assertEqual(listed(backup), [backup])


if __name__ == "__main__":
    absltest.main()
