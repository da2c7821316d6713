"""Writes files and folders that are either complete or not there."""

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
from collections.abc import Collection
from collections.abc import Iterator

# Characters of up to 4 bytes: file systems allow names of 255 bytes.
_LONGEST_STEM = 40
# A disk, a quota, or a limit on the size of files is used up.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Linux: paths from here, and the flag that makes `renameat2` swap them.
_HERE = -100
_EXCHANGE = 2


@contextlib.contextmanager
def atomic_file(
    filepath: str | os.PathLike, name: str = "filepath"
) -> Iterator[str]:
    """Lets the caller write a file under a temporary name, then renames it.

    The temporary file lies beside `filepath`, so that the last step is one
    rename: a reader finds the old file or the new one, never a part of it. If
    the body raises, the temporary file is removed and the old one stays.
    Whether `filepath` can be written is found out before the body starts.

    Args:
        filepath: Path of the file; its folder must exist.
        name: Name of the caller's argument, for messages.

    Yields:
        path: String, where to write. It ends as `filepath` does. An empty file
            is there already.

    Raises:
        TypeError: if `filepath` is not a path.
        ValueError: if `filepath` is empty.
        OSError: if `filepath` cannot be written: `FileNotFoundError` without
            its folder, `IsADirectoryError` for a folder, `PermissionError`, or
            because the disk is full.
    """
    target = _resolve(filepath, name)
    if os.path.isdir(target):
        raise IsADirectoryError(
            f"`{name}` must name a file, but it is a folder. "
            f"Received: {name}={os.fspath(filepath)!r}"
        )
    temporary = _temporary_sibling(target)
    with _naming(filepath, name):
        with open(temporary, "xb"):
            pass
    try:
        with _naming(filepath, name, _FULL):
            yield temporary
            os.replace(temporary, target)
    finally:
        _remove(temporary)


@contextlib.contextmanager
def atomic_directory(
    filepath: str | os.PathLike, expected: Collection[str]
) -> Iterator[str]:
    """Lets the caller fill a temporary folder, then renames it.

    As `atomic_file`. A folder that is already at `filepath` is replaced after
    the body has ended, and only if everything in it is `expected`: a slip must
    not cost a folder of other work. Linux swaps the two in one step; elsewhere
    a process that is killed in between leaves the old one beside `filepath`,
    under a hidden name.

    Args:
        filepath: Path of the folder; the folder above it must exist.
        expected: Names that an earlier run may have left in the folder.

    Yields:
        path: String, an empty folder to fill.

    Raises:
        TypeError: if `filepath` is not a path.
        ValueError: if `filepath` is empty.
        OSError: if `filepath` cannot be written: `FileNotFoundError` without
            the folder above it, `NotADirectoryError` for a file,
            `FileExistsError` for a folder with other content,
            `PermissionError`, or because the disk is full.
    """
    target = _resolve(filepath, "filepath")
    _check_replaceable(filepath, target, expected)
    temporary = _temporary_sibling(target)
    with _naming(filepath, "filepath"):
        os.mkdir(temporary)
    try:
        with _naming(filepath, "filepath", _FULL):
            yield temporary
            _swap_in(temporary, target)
    finally:
        _remove(temporary)


def size_in_bytes(path: str | os.PathLike) -> int:
    """Bytes of a file, or of all files below a folder."""
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(path)
        for name in names
    )


def _resolve(filepath, name):
    """Absolute path behind links; the folder above it exists."""
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(
            f"`{name}` must be a path. "
            f"Received: {name}={filepath!r} ({type(filepath).__name__})"
        )
    if not os.fspath(filepath):
        raise ValueError(f"`{name}` must not be empty. Received: {name}=''")
    target = os.path.realpath(os.path.expanduser(filepath))
    parent = os.path.dirname(target)
    if not os.path.isdir(parent):
        raise FileNotFoundError(
            f"`{name}` lies in a folder that does not exist: {parent!r}. "
            f"Received: {name}={os.fspath(filepath)!r}"
        )
    with _naming(filepath, name), contextlib.suppress(FileNotFoundError):
        os.lstat(target)  # its name may be too long, its folder locked
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise PermissionError(
            f"`{name}` exists and is write-protected. "
            f"Received: {name}={os.fspath(filepath)!r}"
        )
    return target


def _check_replaceable(filepath, target, expected):
    if not os.path.exists(target):
        return
    if not os.path.isdir(target):
        raise NotADirectoryError(
            "`filepath` must name a folder, but it is a file. "
            f"Received: filepath={os.fspath(filepath)!r}"
        )
    others = sorted(set(os.listdir(target)) - set(expected))
    if others:
        raise FileExistsError(
            "`filepath` is a folder with other content, which replacing it "
            f"would delete: {', '.join(others[:3])}"
            f"{', ...' if others[3:] else ''}. Name a new folder. "
            f"Received: filepath={os.fspath(filepath)!r}"
        )


def _temporary_sibling(target):
    """A free name with the same suffix: `keras.Model.save` looks at it."""
    folder, name = os.path.split(target)
    stem, suffix = os.path.splitext(name)
    token = secrets.token_hex(4)
    return os.path.join(folder, f".{stem[:_LONGEST_STEM]}.{token}.tmp{suffix}")


@contextlib.contextmanager
def _naming(filepath, name, numbers=None):
    """Names the path that the user gave, not the temporary one.

    Args:
        filepath: The path.
        name: Name of the caller's argument.
        numbers: The errors to do it for, others are let through. None stands
            for all.
    """
    try:
        yield
    except OSError as error:
        if numbers is not None and error.errno not in numbers:
            raise
        reason = os.strerror(error.errno) if numbers else error.strerror
        named = type(error)(
            f"`{name}` cannot be written ({reason}). "
            f"Received: {name}={os.fspath(filepath)!r}"
        )
        named.errno = error.errno
        raise named from error


def _swap_in(temporary, target):
    """Puts the folder `temporary` where the folder `target` may be."""
    if not os.path.exists(target):
        os.rename(temporary, target)
        return
    if _exchange(temporary, target):
        return  # What was at `target` is removed as `temporary`.
    old = _temporary_sibling(target)
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(old, target)
        raise
    _remove(old)


def _exchange(one, other):
    """Swaps two folders in one step; False where that cannot be done."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # not this system
        return False
    path = ctypes.c_char_p
    rename.argtypes = (ctypes.c_int, path, ctypes.c_int, path, ctypes.c_uint)
    one, other = os.fsencode(one), os.fsencode(other)
    return rename(_HERE, one, _HERE, other, _EXCHANGE) == 0


def _remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
