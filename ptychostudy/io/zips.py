"""Zip files: looked at before anything is unpacked, then unpacked by members in bounded memory."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from ptychostudy.io.atomic import DataError, plain_size

# What zipfile, zlib, h5py and NumPy's header parser raise for damaged or hostile bytes.
READ_ERRORS = (
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
BOMB_BYTES = 64 << 20
_BOMB_RATIO = 300
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL_HEADER_BYTES = 30
_MEMBERS = 10_000
# In the upper half of a member's attributes stands its mode on a Unix machine.
_FILE_TYPE = 0o170000
_SYMBOLIC_LINK = 0o120000
_ENCRYPTED = 1


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type where it has none."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def check_zip(path: str | Path) -> list[str]:
    """Refuse hostile or damaged zip files before anything is read; return the member names.

    Raises
    ------
    DataError
        For a file that is no zip; for duplicate, absolute, parent or linked member names; for
        encrypted members and methods other than deflate; for members that overlap, and such that
        alone or together grow more than 300-fold to over 64 MiB.
    """
    held = plain_size(path)
    infos, end = _directory(path)
    names = [info.filename for info in infos]
    _check_names(path, names)
    for info in infos:
        _check_member(path, info)
    _check_places(path, infos, end)
    # Each member may pass where all together do not.
    check_growth(path, "the whole file", held, sum(info.file_size for info in infos))
    return names


def _directory(path: str | Path) -> tuple[list[zipfile.ZipInfo], int]:
    """Return what the directory of a zip file says of its members, and where it begins."""
    try:
        with zipfile.ZipFile(path) as zip_file:
            return zip_file.infolist(), zip_file.start_dir
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: not a zip archive or cut short ({first_line(error)}); needed: a complete file"
        ) from error


def _check_names(path: str | Path, names: Sequence[str]) -> None:
    if len(names) > _MEMBERS:
        raise DataError(f"{path}: holds {len(names)} members, needed at most {_MEMBERS}")
    if len(set(names)) != len(names):
        raise DataError(f"{path}: member names repeat; needed: each name once")


def _check_member(path: str | Path, info: zipfile.ZipInfo) -> None:
    member = f"{path}: member {info.filename!r}"
    if _points_outside(info.filename):
        raise DataError(f"{member} points outside the archive; refused")
    if (info.external_attr >> 16) & _FILE_TYPE == _SYMBOLIC_LINK:
        raise DataError(f"{member} is a symbolic link; refused")
    _check_method(member, info)
    _check_stored(member, info)
    check_growth(path, f"member {info.filename!r}", info.compress_size, info.file_size)


def _check_method(member: str, info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{member} is encrypted; needed: one that is not")
    if info.compress_type not in _METHODS:
        raise DataError(
            f"{member} is packed by method {info.compress_type}; needed: stored or deflated"
        )


def _check_stored(member: str, info: zipfile.ZipInfo) -> None:
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise DataError(
            f"{member} is stored in {info.compress_size} bytes and claims {info.file_size}; "
            "needed: the same number"
        )


def _points_outside(name: str) -> bool:
    # Separators and drives of Windows, too: an archive may have been made there.
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or ":" in name


def _check_places(path: str | Path, infos: Sequence[zipfile.ZipInfo], end: int) -> None:
    """Refuse members that share bytes: a few of them can claim to hold any amount."""
    last = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < last:
            raise DataError(f"{path}: member {info.filename!r} overlaps another; refused")
        last = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size
    if last > end:
        raise DataError(
            f"{path}: the members reach beyond their directory; needed: a complete file"
        )


def check_growth(path: str | Path, what: str, packed: int, unpacked: int) -> None:
    """Refuse what would grow more than 300-fold to over 64 MiB when it is unpacked.

    Raises
    ------
    DataError
    """
    # What stays small may be packed as well as it likes: zeros shrink about a thousandfold.
    if unpacked > BOMB_BYTES and unpacked > _BOMB_RATIO * max(packed, 1):
        raise DataError(
            f"{path}: {what} would grow from {packed} to {unpacked} bytes; refused; "
            "if that is right, store it unpacked"
        )


def member_bytes(zip_file: zipfile.ZipFile, name: str) -> bytes:
    """Unpack one member whole; its checksum is compared.

    Never more is unpacked than it claims to hold.

    Raises
    ------
    EOFError
        If it holds less than it claims; other errors are in `READ_ERRORS`.
    """
    info = zip_file.getinfo(name)
    with zip_file.open(info) as member:
        # A plain read() would unpack whatever the stream holds, up to 2 GiB, before it is cut to
        # the claimed size.
        data = member.read(info.file_size)
    if len(data) != info.file_size:
        raise EOFError(f"{len(data)} bytes where {info.file_size} were announced")
    return data
