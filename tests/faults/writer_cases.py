"""Every writer of the package under every fault, in one process of its own: ``python writer_cases.py FOLDER [faked]``.

Prints one JSON object: fault -> writer -> what the writer said and what lay in the folder afterwards. With ``faked``
the disk is not really full or read-only (no tmpfs could be mounted); the system answers are then given by a size limit
and by hand.
"""

import bz2
import contextlib
import errno
import functools
import io as memory
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

BALLAST = ".ballast"


def noise(version, shape=(64, 80)):
    """Return numbers that no format packs, other ones for each version, more than a full disk has room for."""
    return np.random.default_rng(version).normal(size=shape)


def text(path, version):
    from ptychostudy.io.text import write_text

    write_text(path, f"{noise(version).tolist()}")


def table(path, version):
    from ptychostudy.io.tables import write_csv

    write_csv(path, ["x", "y"], [{"x": float(x), "y": version} for x in noise(version).ravel()])


def record(path, version):
    from ptychostudy.io.records import write_json

    write_json(path, {"x": noise(version).tolist()})


def arrays(path, version):
    from ptychostudy.io.arrays import write_npz

    write_npz(path, {"x": noise(version)}, {"version": version})


def stream(path, version):
    from ptychostudy.io.arrays import Stream, write_npz

    x = noise(version)
    write_npz(path, {"x": Stream(x.shape, "f8", (x[k : k + 8] for k in range(0, 64, 8)))})


def bundle(path, version):
    from ptychostudy.formats.bundle import write_bundle

    parts = {"weights": {"w": noise(version)}, "probe": np.ones((4, 4), complex)}
    write_bundle(path, **parts, config={}, normalization={}, provenance={"version": version})


def product(path, version):
    from ptychostudy.formats.ptychodus import Product, write_product_h5

    field = noise(version).astype(complex)
    write_product_h5(path, Product(field, field[:8, :8], np.array([[30.0, 40.0]]), 1e-8, 8e3, 2.0))


def converted(path, version):
    from ptychostudy.writing.hdf5_bytes import new_hdf5, put

    with new_hdf5(path) as file:
        put(file, {"entry_1/data": noise(version)})


def figure(path, version):
    from matplotlib.figure import Figure

    from ptychostudy.io.pictures import write_figure

    drawn = Figure()
    drawn.add_subplot().imshow(noise(version))
    write_figure(path, drawn)


@functools.cache
def elsewhere():
    """Return a folder that no fault reaches."""
    return tempfile.TemporaryDirectory()


@functools.cache
def source(version):
    """Return an archive with one packed member, made before any fault."""
    path = Path(elsewhere().name, f"{version}.tar.gz")
    packed = bz2.compress(noise(version).tobytes())
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("x.bz2")
        info.size = len(packed)
        tar.addfile(info, memory.BytesIO(packed))
    return path


def member(path, version):
    from ptychostudy.formats.download import extract_bz2_member

    extract_bz2_member(source(version), "x.bz2", path, limit_bytes=1 << 20)


def download(path, version):
    from ptychostudy.formats import download
    from ptychostudy.io.atomic import sha256_of

    def pip(name, release, sha256, scratch):
        (scratch / "archive").mkdir()
        shutil.copy(source(version), scratch / "archive" / path.name)

    download._pip_download = pip
    name, release = path.name.removesuffix(".tar.gz").split("-")
    download.download_source(name, release, sha256_of(source(version)), path.parent)


# Name of the file, writer, and the function of the package that opens the temporary file.
WRITERS = {
    "text": ("a.txt", text, "write_utf8"),
    "table": ("a.csv", table, "write_utf8"),
    "record": ("a.json", record, "write_utf8"),
    "arrays": ("a.npz", arrays, "write_npz"),
    "stream": ("b.npz", stream, "write_npz"),
    "bundle": ("wts.h5.zip", bundle, "write_bundle"),
    "product": ("a.h5", product, "write_product_h5"),
    "converted": ("a.cxi", converted, "new_hdf5"),
    "figure": ("a.png", figure, "write_figure"),
    "member": ("a.bin", member, "_copy"),
    "download": ("made-1.0.tar.gz", download, "_fetch"),
}


@contextlib.contextmanager
def replaced(owner, name, value):
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield original
    finally:
        setattr(owner, name, original)


def failing(code):
    def call(*arguments, **options):
        raise OSError(code, os.strerror(code))

    return call


@contextlib.contextmanager
def full(folder, faked):
    if faked:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return
    with open(folder.parent / BALLAST, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(folder.parent / BALLAST, (folder.parent / BALLAST).stat().st_size - 3 * 4096)
    yield
    (folder.parent / BALLAST).unlink()


@contextlib.contextmanager
def read_only(folder, faked):
    if faked:
        with replaced(tempfile, "mkstemp", failing(errno.EROFS)), replaced(tempfile, "mkdtemp", failing(errno.EROFS)):
            yield
        return
    mount = ["mount", "-o", "remount"]
    subprocess.run([*mount, "-r", str(folder.parent)], check=True)
    try:
        yield
    finally:
        subprocess.run([*mount, "-w", str(folder.parent)], check=True)


@contextlib.contextmanager
def vanished(folder, faked):
    """Take the folder away when the content is written and not yet safe."""
    aside = folder.with_name("aside")

    def fsync(descriptor):
        if folder.exists():
            folder.rename(aside)
        original(descriptor)

    with replaced(os, "fsync", fsync) as original:
        yield
    if aside.exists():
        aside.rename(folder)


@contextlib.contextmanager
def no_rename(folder, faked):
    with replaced(os, "replace", failing(errno.EIO)):
        yield


@contextlib.contextmanager
def no_sync(folder, faked):
    with replaced(os, "fsync", failing(errno.EIO)):
        yield


FAULTS = {
    "full disk": full,
    "read-only folder": read_only,
    "vanished folder": vanished,
    "failed rename": no_rename,
    "failed sync": no_sync,
}


def listing(folder):
    """Return names that do not belong there, including those that a folder which came back still holds."""
    known = {name for file, _, _ in WRITERS.values() for name in (file, f".{file}.sha256")}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def start(folder, name):
    """Write a first version; return path and content. An archive that is there is used, not fetched: there is none."""
    file, write, _ = WRITERS[name]
    path = folder / file
    for version in (1, 2, 3):
        source(version)
    write(path, 1)
    if write is download:
        path.unlink()
    return path, write, content(path)


def content(path):
    return path.read_bytes() if path.exists() else None


def attempt(folder, name, fault, faked):
    path, write, old = start(folder, name)
    said = None
    with fault(folder, faked):
        try:
            write(path, 2)
        except Exception as error:
            said = [type(error).__name__, str(error)]
    found = {"said": said, "unchanged": unchanged(path, old), "left": listing(folder)}
    write(path, 3)
    return found | {"left later": listing(folder)} | again(path, old)


def unchanged(path, old):
    """Whether the old file is there, and the sum beside it, if any, is its own: nobody raises a false alarm."""
    from ptychostudy.io.atomic import check_sums

    check_sums([path])
    return content(path) == old


def again(path, old):
    found = content(path) not in (old, None)
    path.unlink()
    return {"works again": found}


def killed(folder, name, call):
    """Kill a writer inside a system call, then write again."""
    path, write, old = start(folder, name)
    child = os.fork()
    if child == 0:
        setattr(os, call, lambda *arguments: os.kill(os.getpid(), signal.SIGKILL))
        with contextlib.suppress(Exception):
            write(path, 2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found = {"signal": os.WTERMSIG(status), "unchanged": unchanged(path, old), "stale": listing(folder)}
    write(path, 3)
    return found | {"left later": listing(folder)} | again(path, old)


def main():
    folder, faked = Path(sys.argv[1]) / "hub", "faked" in sys.argv
    folder.mkdir()
    found = {
        fault: {name: attempt(folder, name, inject, faked) for name in WRITERS} for fault, inject in FAULTS.items()
    }
    for call in ("fsync", "replace"):
        found[f"kill -9 in {call}"] = {name: killed(folder, name, call) for name in WRITERS}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
