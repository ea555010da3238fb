"""The class of this machine and the versions of what is measured; nothing that names a host."""

import datetime
import importlib.metadata
import os
from pathlib import Path

LISTING = Path("/proc/cpuinfo")
OF_INTEREST = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
LIBRARIES = ("numpy", "scipy", "pyfftw", "numba", "tensorflow", "torch", "ptychi", "snakemake")


def machine():
    """Return processor, cores, instruction sets and versions."""
    known = dict(told(LISTING.read_text(encoding="utf-8"))) if LISTING.exists() else {}
    flags = known.get("flags", "").split()
    return {
        "processor": known.get("model name", "not known"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instructions": [name for name in OF_INTEREST if name in flags],
        "versions": dict(versions()),
    }


def told(listing):
    """Yield keys and values of the first processor that is listed."""
    for line in listing.partition("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        yield key.strip(), value.strip()


def versions():
    for library in LIBRARIES:
        try:
            yield library, importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue


def today():
    return datetime.date.today().isoformat()
