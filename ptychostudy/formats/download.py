"""Published data in a source distribution: fetched by pip, checked by hash, one member taken out.

The distribution is data here. None of its code is run: pip normally asks a distribution's own build
backend for metadata, so it is shown a backend of ours under that name, which answers with the name
and version that were asked for.
"""

import bz2
import os
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO

from ptychostudy.io.atomic import DataError, atomic, locked, remove_stale, sha256_of

_BLOCK = 1 << 20
_TIMEOUT_S = 1800
_SCRATCH = ".download-"
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error)
_BACKEND = """
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = Path(folder, "{name}-{version}.dist-info")
    info.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: {name}", "Version: {version}", ""]
    info.joinpath("METADATA").write_text("\\n".join(lines))
    return info.name
"""
_PIP = (
    sys.executable,
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    # One distribution and nothing that its metadata asks for; its data is wanted, not the program.
    "--no-deps",
    # The backend that is found without isolation is ours, see above.
    "--no-build-isolation",
    "--use-pep517",
    "--require-hashes",
)


def download_source(name: str, version: str, sha256: str, folder: str | Path) -> Path:
    """Get a source distribution from pip's package index; reuse it where it is there already.

    Parameters
    ----------
    name, version : str
        Exact release. Its build backend must be setuptools.
    sha256 : str
        Digest of the archive as 64 lowercase hex digits; pip checks it before it opens the file.
    folder : str or Path
        Where the archive is kept. A copy placed there by hand serves where there is no network.

    Returns
    -------
    Path
        The complete, verified archive.

    Raises
    ------
    DataError
        If pip fails, or the archive is not the expected one; a wrong or partial file is removed.
    """
    # Absolute, because pip runs the build backend in a folder of its own.
    path = Path(folder).resolve() / f"{name}-{version}.tar.gz"
    if not path.is_file():
        try:
            _fetch(path, name, version, sha256)
        except OSError as error:
            raise DataError(
                f"{path}: cannot write here ({error.strerror or error}); "
                "needed: room in a writable folder"
            ) from error
    _verify(path, sha256)
    return path


def _fetch(path: Path, name: str, version: str, sha256: str) -> None:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    remove_stale(folder, _SCRATCH)
    # The lock tells a download that runs from one that was killed, which the next one clears away.
    with (
        tempfile.TemporaryDirectory(
            dir=folder, prefix=_SCRATCH, ignore_cleanup_errors=True
        ) as scratch,
        locked(os.open(scratch, os.O_RDONLY)),
    ):
        _pip_download(name, version, sha256, Path(scratch))
        fetched = _only_file(path, Path(scratch, "archive"))
        _verify(fetched, sha256)
        # Under its own name an archive is always whole and the right one.
        with atomic(path) as temporary:
            os.replace(fetched, temporary)


def _only_file(path: Path, folder: Path) -> Path:
    files = sorted(folder.glob("*"))
    names = [file.name for file in files]
    if names != [path.name]:
        raise DataError(f"{path}: pip fetched {names}; needed: this one archive")
    return files[0]


def _verify(path: Path, sha256: str) -> None:
    digest = sha256_of(path)
    if digest != sha256:
        # Kept, it would be taken for the archive by the next run, and refused again.
        path.unlink()
        raise DataError(
            f"{path}: sha256 is {digest}, needed {sha256}; "
            "the download was cut short or is another file, and has been removed. "
            "Run the stage again"
        )


def _pip_download(name: str, version: str, sha256: str, scratch: Path) -> None:
    release = f"{name}=={version}"
    folder = _write_backend(scratch, name, version)
    wanted = scratch / "wanted.txt"
    wanted.write_text(f"{release} --hash=sha256:{sha256}\n")
    command = [*_PIP, f"--no-binary={name}", "--requirement", str(wanted)]
    done = _run([*command, "--dest", str(scratch / "archive")], folder, release)
    if done.returncode:
        raise DataError(
            f"{release}: pip could not download the source distribution "
            f"({_last_error(done.stderr)}); nothing was kept. "
            "Needed: a package index that has it, "
            "or the archive placed in the cache folder by hand"
        )


def _write_backend(scratch: Path, name: str, version: str) -> Path:
    """Write the backend that answers for a release; return the folder to import it from."""
    backend = scratch / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").write_text("")
    (backend / "build_meta.py").write_text(_BACKEND.format(name=name, version=version))
    return backend.parent


def _run(command: list[str], backend: Path, release: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(backend)}
    try:
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{release}: pip was not done after {_TIMEOUT_S} s; nothing was kept"
        ) from error


def _last_error(text: str) -> str:
    """Return the last line of pip's that says what is wrong: the first ones are of retries."""
    said = "no message"
    for line in text.splitlines():
        if line.lower().lstrip().startswith("error"):
            said = line
    return said


def extract_bz2_member(
    archive: str | Path, member: str, output: str | Path, *, limit_bytes: int
) -> None:
    """Take one bzip2-compressed file out of a tar archive; nothing else is unpacked.

    Parameters
    ----------
    archive : str or Path
        A ``.tar.gz`` file.
    member : str
        Full name of the member.
    output : str or Path
        Where the decompressed content goes.
    limit_bytes : int
        Largest size allowed, compressed and decompressed.

    Raises
    ------
    DataError
        If the member is missing, no plain file, too large or damaged; ``output`` is then untouched.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            with bz2.open(_member(tar, archive, member, limit_bytes)) as content:
                _copy(content, archive, member, Path(output), limit_bytes)
    except KeyError as error:
        raise DataError(f"{archive}: member {member!r} is missing") from error
    except _DAMAGE as error:
        raise DataError(
            f"{archive}: cannot be read ({error}); needed: an undamaged .tar.gz archive"
        ) from error


def _member(tar: tarfile.TarFile, archive: str | Path, member: str, limit: int) -> IO[bytes]:
    """Return the packed content of a plain file; links and devices are refused."""
    info = tar.getmember(member)
    source = tar.extractfile(info) if info.isreg() else None
    if source is None or info.size > limit:
        raise DataError(
            f"{archive}: member {member!r} is no plain file of at most {limit} bytes; refused"
        )
    return source


def _copy(content: bz2.BZ2File, archive: str | Path, member: str, output: Path, limit: int) -> None:
    """Unpack block by block: a few kilobytes of bzip2 can hold gigabytes."""
    with atomic(output) as temporary, open(temporary, "wb") as file:
        size = 0
        while block := _read(content, archive, member):
            size += len(block)
            if size > limit:
                raise DataError(f"{archive}: member {member!r} grows beyond {limit} bytes; refused")
            file.write(block)


def _read(content: bz2.BZ2File, archive: str | Path, member: str) -> bytes:
    """Read a block; damage is named here, where no trouble of writing can be taken for it."""
    try:
        return content.read(_BLOCK)
    except _DAMAGE as error:
        raise DataError(
            f"{archive}: member {member!r} cannot be read ({error}); needed: an undamaged file"
        ) from error
