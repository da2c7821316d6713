"""Tests that a process that is killed leaves the old file or the new one.

What a kill leaves on the disk is what is there at that moment. The first tests
look at it whenever Python is about to open, make, rename or remove a file or
folder; the last one kills a process for good.
"""

import builtins
import contextlib
import json
import os
import signal
import subprocess
import sys
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.internal import files
from tests import test_util
from tests.robustness import killed_writer
from tests.robustness import writers

_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
_SINGLE = [
    (writer.name, writer)
    for writer in writers.WRITERS
    if not writer.reads and writer.name != "pareto_folder"
]
_LOOKS = []


def _on_event(event, args):
    if event in _EVENTS and _LOOKS:
        look = _LOOKS.pop()  # It opens files, too.
        try:
            look()
        finally:
            _LOOKS.append(look)


@contextlib.contextmanager
def looking(look):
    """Calls `look` whenever a kill could show something new."""
    if not hasattr(looking, "hooked"):
        looking.hooked = True
        sys.addaudithook(_on_event)  # for good
    _LOOKS.append(look)
    opens = builtins.open

    def looks_once_open(*args, **kwargs):
        file = opens(*args, **kwargs)
        _on_event("open", args)
        return file

    try:
        with mock.patch.object(builtins, "open", looks_once_open):
            yield
    finally:
        _LOOKS.remove(look)


def content(path):
    """What is at a path: bytes, or a dict for a folder; None for nothing."""
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        return {name: content(os.path.join(path, name)) for name in names}
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def visible():
    """Names in this folder that are not hidden."""
    return sorted(name for name in os.listdir(".") if name[0] != ".")


class KillTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        folder = self.create_tempdir().full_path
        self.enter_context(contextlib.chdir(folder))

    def write(self, writer):
        """What was seen at the target on the way, one after the other."""
        seen = []

        def look():
            found = content(writer.target)
            if not seen or seen[-1] != found:
                seen.append(found)
            self.assertContainsSubset(visible(), [writer.target])

        with looking(look):
            writer.write(writer.target)
        look()
        return seen

    @parameterized.named_parameters(*_SINGLE)
    def test_old_then_new(self, writer):
        writer.leave_old()
        old = content(writer.target)
        seen = self.write(writer)
        self.assertLen(seen, 2)  # Never a third, and never nothing.
        self.assertEqual(seen[0], old)
        self.assertEqual(os.listdir("."), [writer.target])

    def test_nothing_then_new(self):
        writer = dict(_SINGLE)["html"]
        self.assertLen(seen := self.write(writer), 2)
        self.assertIsNone(seen[0])

    def test_folder_without_exchange_is_kept_aside(self):
        writer = dict(_SINGLE)["saved_model"]
        writer.leave_old()
        old = content(writer.target)
        asides = []

        def rename(source, target, _rename=os.rename):
            _rename(source, target)
            if not os.path.exists(writer.target):
                asides.extend(map(content, os.listdir(".")))

        self.enter_context(
            mock.patch.object(files, "_exchange", return_value=False)
        )
        with mock.patch.object(os, "rename", rename):
            writer.write(writer.target)
        self.assertIn(old, asides)
        self.assertEqual(os.listdir("."), [writer.target])

    def test_index_names_whole_models_at_any_time(self):
        (writer,) = (w for w in writers.WRITERS if w.name == "pareto_folder")
        writer.leave_old()
        counts = []

        def look():
            counts.append(killed_writer.check_folder(writer.target))

        with looking(look):
            for _ in range(3):
                writer.write(writer.target)
        self.assertContainsSubset({0, 1}, counts)
        self.assertLen(os.listdir(writer.target), 2)  # the best model only

    def test_leftovers_are_hidden_and_do_no_harm(self):
        script = "tests.robustness.killed_writer"
        seed = str(test_util.test_seed())
        here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        path = os.pathsep.join([here, *sys.path])
        done = subprocess.run(
            [sys.executable, "-m", script, seed],
            env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=300,
        )
        killed = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(killed, [-signal.SIGKILL] * killed_writer.TRIALS)
        self.assertContainsSubset(visible(), killed_writer.TARGETS)
        killed_writer.check()
        killed_writer.write_all()
        killed_writer.check()


if __name__ == "__main__":
    absltest.main()
