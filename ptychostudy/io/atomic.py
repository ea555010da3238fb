"""One way to write a file: a temporary name in the same folder, flush, fsync, rename."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# Tables and records of a large study are a few MiB; parsed, a text takes up to twenty times its
# size.
_TEXT_BYTES = 16 << 20
_BLOCK_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_GONE = (errno.ENOENT, errno.ENOTDIR)
# Some file systems cannot sync a folder; the rename itself is atomic there, too.
_NO_FOLDER_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP)
_RANDOM = "[a-z0-9_]{8}"  # what `tempfile` puts between prefix and suffix
_SUM = re.compile(rb"([0-9a-f]{64})  ")
_UNCHANGED = "the file was not changed"
_UNSAFE = "the file is whole, but may not survive a power cut"


class DataError(ValueError):
    """Bad input: the message names file, key, what was found and what is needed."""


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it on success, remove it on any failure.

    What a killed writer left under its temporary name is removed by the next writer of the same
    file. The sha256 is recorded beside the file, for `check_sums`.

    Parameters
    ----------
    path : str or Path
        Final name. Its folder is made where missing. A reader sees the old file or the new one,
        never a part.

    Raises
    ------
    DataError
        If the folder cannot be written, vanishes, or the disk is full; the old file is untouched.
    """
    path = Path(path)
    handle, temporary = _begin(path)
    try:
        with _explained(path, temporary, _UNCHANGED), locked(handle):
            yield temporary
            _put(temporary, path)
        with _explained(path, temporary, _UNSAFE):
            _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):  # where it cannot be removed, the first error says why
            temporary.unlink(missing_ok=True)


def _begin(path: Path) -> tuple[int, Path]:
    """Open a temporary file beside a path; return its handle and its name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path.parent, f".{path.name}.", ".part")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        need = _need(error, path.parent)
        raise DataError(f"{path}: cannot write here ({error.strerror}); needed: {need}") from error
    return handle, Path(name)


def _put(temporary: Path, path: Path) -> None:
    """Give a finished file its name, with its sum beside it."""
    # On the disk before it is renamed: else a power cut may leave the name of a file that is empty.
    _sync(temporary)
    # `tempfile` lets its owner alone read it.
    temporary.chmod(0o666 & ~_umask())
    digest = sha256_of(temporary)
    # A writer that is killed in between leaves a file without a sum, never one with another's.
    _sum_path(path).unlink(missing_ok=True)
    os.replace(temporary, path)
    with contextlib.suppress(OSError):  # without its sum a file is whole, only less guarded
        _sum_path(path).write_text(f"{digest}  {path.name}\n", encoding="utf-8")


@contextlib.contextmanager
def _explained(path: Path, temporary: Path, state: str) -> Iterator[None]:
    """Say of an error of the file system what is needed, and in which state the file is."""
    try:
        yield
    except OSError as error:
        if error.filename not in (None, str(temporary), str(path.parent)):
            raise  # trouble with a file that was being read meanwhile
        why = f"writing failed ({error.strerror or error})"
        need = _need(error, path.parent)
        raise DataError(f"{path}: {why}; needed: {need}; {state}") from error


def _need(error: OSError, folder: Path) -> str:
    if error.errno in _FULL:
        return f"free space and quota in the folder {folder}"
    if error.errno in _GONE and not folder.is_dir():
        return f"the folder {folder}, which is no more"
    return f"a writable folder {folder}"


@contextlib.contextmanager
def locked(handle: int) -> Iterator[None]:
    """Hold an advisory lock on an open file or folder as the sign of a living writer; close it."""
    try:
        with contextlib.suppress(OSError):  # without locks, `remove_stale` removes nothing
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_stale(folder: Path, prefix: str, suffix: str = "") -> None:
    """Remove temporary files and folders whose writer was killed: nobody holds their lock."""
    pattern = re.compile(re.escape(prefix) + _RANDOM + re.escape(suffix))
    for name in os.listdir(folder):
        if pattern.fullmatch(name):
            with contextlib.suppress(OSError):  # a living writer's, or none of ours
                _remove_unlocked(folder / name)


def _remove_unlocked(path: Path) -> None:
    # No link is followed, and no pipe waits for its writer.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(handle)


def _umask() -> int:
    # It is only told when it is set.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def plain_size(path: str | Path) -> int:
    """Return the size of a file in bytes.

    What is no plain file (a pipe, a device, a folder) is never opened.

    Raises
    ------
    DataError
        If there is no plain file of that name.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be opened ({error}); needed: a plain file") from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path}: is no plain file; needed: one that can be read to its end")
    return status.st_size


def sha256_of(path: str | Path) -> str:
    """Return the sha256 of a file as 64 lowercase hex digits.

    Raises
    ------
    DataError
        If it is missing or cannot be read.
    """
    plain_size(path)
    digest = hashlib.sha256()
    try:
        for block in _blocks(path):
            digest.update(block)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); needed: an undamaged, readable file"
        ) from error
    return digest.hexdigest()


def _blocks(path: str | Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def check_sums(paths: Iterable[str | Path]) -> None:
    """Compare files with the sha256 recorded beside them when they were written.

    What has no such record passes.

    Raises
    ------
    DataError
        Naming the first file that is not what was written: damaged, cut short, or put in the place
        of another.
    """
    for path in map(Path, paths):
        recorded = recorded_sum(path)
        if not recorded or not path.is_file():
            continue
        actual = sha256_of(path)
        # Where the record is another by now, a living writer changed both meanwhile.
        if actual != recorded and recorded == recorded_sum(path):
            raise DataError(
                f"{path}: damaged or replaced since it was written (sha256 {actual[:12]}, "
                f"recorded {recorded[:12]}). Needed: delete it, so that it is made anew, "
                f"or delete {_sum_path(path)} to trust it"
            )


def _sum_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def forget_sum(path: str | Path) -> None:
    """Take away the sha256 recorded beside a file, if there is one: the file is to be changed."""
    _sum_path(Path(path)).unlink(missing_ok=True)


def recorded_sum(path: Path) -> str | None:
    """Return the sha256 recorded beside a file.

    There is none where its writer was killed, and for files that others wrote.
    """
    try:
        record = _sum_path(path).read_bytes()
    except OSError:
        return None
    match = _SUM.match(record)
    return match[1].decode() if match else None


def read_utf8(path: str | Path) -> str:
    """Read UTF-8 text; `DataError` where it is missing, no text, or larger than 16 MiB."""
    _check_text_size(path)
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from error


def _check_text_size(path: str | Path) -> None:
    size = plain_size(path)
    if size > _TEXT_BYTES:
        raise DataError(f"{path}: holds {size} bytes, needed a text of at most {_TEXT_BYTES}")


def write_utf8(path: str | Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
