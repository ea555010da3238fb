"""Places that fail: a full disk, a folder that cannot be written, a machine without the GPU it claims to have."""

import contextlib
import os
import subprocess

from campaign import artifacts, runs, stages


class NotHere(Exception):
    """This machine does not allow the fault to be tried; the message says why."""


@contextlib.contextmanager
def small_disk(folder, kilobytes):
    """Mount a file system of so many kilobytes; root only."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder, options):
    """Change a mounted file system."""
    _mount("-o", f"remount,{options}", str(folder))


def _mount(*arguments):
    if os.geteuid() != 0:
        raise NotHere("only root can mount a small file system")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHere(f"mount: {done.stderr.strip()}")


def full_disk(study, reference, kilobytes, *, folder, target):
    """Run a study on a disk that fills up, then on a larger one; return what went wrong, or nothing."""
    with small_disk(folder, kilobytes):
        place = runs.Study(folder / "hub", study.source, study.config, folder.parent)
        code, said = place.run(*target)
        if code == 0:
            return f"{kilobytes} kB were enough"
        problems = [] if "No space left on device" in said or "free space" in said else [f"not named: {said[-1500:]}"]
        problems += [f"{name} is half written" for name in _wrong(place.hub, reference)]
        problems += [f"{name} was left behind" for name in stages.temporaries(place.hub)]
        remount(folder, "size=64m")
        code, said = place.run(*target)
        problems += [] if code == 0 else [f"does not go on: {said[-1500:]}"]
        problems += [f"{name} is different at the end" for name in _wrong(place.hub, reference)]
    return "; ".join(problems)


def _wrong(hub, reference):
    """Return files that are there and are not what an undisturbed run wrote."""
    return [name for name, digest in artifacts.digests(hub).items() if reference.get(name) != digest]


def read_only(folder):
    """Run stages of a hub that cannot be written; return what went wrong, or nothing."""
    problems = []
    with small_disk(folder, 65536):
        for stage in stages.LIGHT[:2]:
            stages.run(stage, folder)
        before = sorted(folder.rglob("*"))
        remount(folder, "ro")
        for stage in ("base", "simulate"):
            done = stages.run(stage, folder)
            said = " ".join(done.stdout.split())
            if done.returncode != 2 or "Read-only file system" not in said or "data/" not in said:
                problems.append(f"{stage}: exit status {done.returncode}: {said[-500:]}")
        remount(folder, "rw")
        if sorted(folder.rglob("*")) != before:
            problems.append("something was written")
    return "; ".join(problems)


def no_gpu(hub):
    """Train on a machine that has no GPU but is told to use one; return what went wrong, or nothing."""
    if os.path.exists("/dev/nvidiactl"):
        raise NotHere("this machine has a GPU")
    hub.mkdir(parents=True)
    for stage in stages.LIGHT:
        stages.run(stage, hub)
    done = stages.run("train", hub, CUDA_VISIBLE_DEVICES="0")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("train ")]
    if done.returncode != 0 or len(lines) != 1 or not lines[0].startswith("WARNING: this job was given a GPU (CUDA_"):
        return f"exit status {done.returncode}: {done.stdout[-1000:]}"
    return ""
