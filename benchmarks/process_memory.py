"""What Linux says about the memory and the open files of this process."""

import os

_MIB = 2**10  # Linux counts in KiB.


def resident() -> float:
    """The memory that the process holds now, in MiB."""
    return _status("VmRSS")


def peak() -> float:
    """The most that it has held since it started, in MiB."""
    return _status("VmHWM")


def open_files() -> int:
    """Number of open file descriptors."""
    return len(os.listdir("/proc/self/fd"))


def _status(name):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / _MIB
    raise RuntimeError(f"/proc/self/status does not tell {name}.")
