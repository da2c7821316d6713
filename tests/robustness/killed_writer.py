"""Writes files for as long as it lives, which is not long.

    python -m tests.robustness.killed_writer SEED

Loads the package once, and then starts processes, one after the other, that
write in the present folder and are killed. Prints how they ended.
"""

import json
import os
import random
import signal
import sys
import time
import zipfile

from tests.robustness import writers

TRIALS = 5
# Seconds that a process lives from its first file on, at most.
LONGEST = 0.5
_NAMES = ("html", "json", "pareto", "pareto_folder")
_WRITERS = [writer for writer in writers.WRITERS if writer.name in _NAMES]
TARGETS = [writer.target for writer in _WRITERS]
_BEGUN = ".begun"


def write_all() -> None:
    """Writes everything once."""
    for writer in _WRITERS:
        writer.write(writer.target)


def check_folder(folder: str) -> int:
    """Raises unless the models of an index are whole; how many there are."""
    with open(os.path.join(folder, "pareto.json"), encoding="utf-8") as file:
        points = json.load(file)["points"]
    for point in points:
        with zipfile.ZipFile(os.path.join(folder, point["file"])) as archive:
            if archive.testzip() is not None:
                raise ValueError(f"{point['file']} is damaged")
    return len(points)


def check() -> None:
    """Raises unless what is there is whole."""
    for path in filter(os.path.exists, TARGETS):
        if not os.path.isdir(path):
            with open(path, "rb") as file:
                _check_file(path, file.read())
        elif os.path.exists(os.path.join(path, "pareto.json")):
            check_folder(path)


def _check_file(path, content):
    ends = {".html": b"</html>\n", ".png": b"IEND\xaeB`\x82", ".json": b"}\n"}
    if not content.endswith(ends[os.path.splitext(path)[1]]):
        raise ValueError(f"{path} is not whole: {content[-20:]}")


def _child():
    write_all()
    open(_BEGUN, "w").close()
    while True:
        write_all()


def _trial(seconds):
    """Ends a process after some time; how it ended."""
    child = os.fork()  # TensorFlow has not started any threads.
    if not child:
        try:
            _child()
        finally:
            os._exit(1)
    while not os.path.exists(_BEGUN):
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return 1
        time.sleep(0.01)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.remove(_BEGUN)
    return -os.WTERMSIG(os.waitpid(child, 0)[1])


def main(seed: int) -> None:
    generator = random.Random(seed)
    ends = []
    for _ in range(TRIALS):
        ends.append(_trial(generator.uniform(0, LONGEST)))
    print(json.dumps(ends))


if __name__ == "__main__":
    main(int(sys.argv[1]))
