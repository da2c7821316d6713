"""Writes files and folders that are either complete or not there."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Collection
from collections.abc import Iterator

# Characters of up to 4 bytes: file systems allow names of 255 bytes.
_LONGEST_STEM = 40


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
            its folder, `IsADirectoryError` for a folder, `PermissionError`.
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
    not cost a folder of other work.

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
            `PermissionError`.
    """
    target = _resolve(filepath, "filepath")
    _check_replaceable(filepath, target, expected)
    temporary = _temporary_sibling(target)
    with _naming(filepath, "filepath"):
        os.mkdir(temporary)
    try:
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
def _naming(filepath, name):
    """Names the path that the user gave, not the temporary one."""
    try:
        yield
    except OSError as error:
        raise type(error)(
            f"`{name}` cannot be written ({error.strerror}). "
            f"Received: {name}={os.fspath(filepath)!r}"
        ) from error


def _swap_in(temporary, target):
    """Puts the folder `temporary` where the folder `target` may be."""
    if not os.path.exists(target):
        os.rename(temporary, target)
        return
    old = _temporary_sibling(target)
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(old, target)
        raise
    _remove(old)


def _remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
