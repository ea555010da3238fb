"""Read every hostile file in a process of its own, with little memory and a watch on what it does: ``FOLDER``.

Prints one JSON object: name -> what the reader said, seconds, growth of the largest resident size, events that no
reader may cause, and for what the command line takes, its exit code and what it printed.
"""

import contextlib
import io
import json
import resource
import shutil
import sys
import sysconfig
import time
from pathlib import Path

import yaml
from hostile_files import GOOD, HOSTILE, readers

SPARE_BYTES = 1 << 30
FORBIDDEN = ("pickle.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.mkdir", "subprocess.", "socket.")
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def largest_bytes():
    """Return the largest resident size since the last call, where the system can count anew; else since ever."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        Path("/proc/self/clear_refs").write_text("5")
    return peak


def watch(events, folder):
    """Record what runs code, reaches the network, or opens a file other than the one to be read."""
    allowed = (*LIBRARIES, str(folder), str(Path(__file__).resolve().parents[2]), sys.prefix, sys.base_prefix, "/proc")

    def hook(event, arguments):
        if event.startswith(FORBIDDEN):
            events.append(f"{event} {arguments!r:.100}")
        if event == "open" and isinstance(arguments[0], str) and not arguments[0].startswith(allowed):
            events.append(f"open {arguments[0]}")

    sys.addaudithook(hook)


def said(read, path):
    try:
        read(path)
    except BaseException as error:
        return [type(error).__name__, str(error)]
    return ["nothing", "the file was accepted"]


def command_line(reader, path, folder):
    """Return exit code and what stage `base` printed about a file; nothing for readers of other stages."""
    base = {
        "scan": {"kind": "npz", "frames": "measured", "frame_px": 32, "npz": {"path": str(path)}},
        "image": {"object": {"kind": "image", "amplitude_image": str(path), "phase_image": str(path)}},
    }
    base["hdf5"] = base["scan"]
    if reader not in base:
        return None
    from ptychostudy.__main__ import main

    config = folder / "study.yaml"
    config.write_text(yaml.safe_dump({"base": base[reader], "simulate": {"doses": [1]}}))
    source = [str(path)] if reader != "image" else []
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        code = main(
            ["base", "--config", str(config), "--source", *source, "--output", str(folder / "out" / "base.npz")]
        )
    return [code, printed.getvalue()]


def main():
    folder = Path(sys.argv[1])
    mark, paths, known, events = folder / "mark", {}, readers(), []
    for number, (name, (_, suffix, build, _)) in enumerate(HOSTILE.items()):
        paths[name] = folder / f"{number}{suffix}"
        build(paths[name], mark)
    for reader, (suffix, build) in GOOD.items():  # what is imported and kept from now on is no growth
        build(folder / f"good_{reader}{suffix}")
        known[reader](folder / f"good_{reader}{suffix}")
        command_line(reader, folder / f"good_{reader}{suffix}", folder)
    shutil.rmtree(folder / "out", ignore_errors=True)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + SPARE_BYTES, held + SPARE_BYTES))
    watch(events, folder)
    found = {}
    for name, (reader, _, _, _) in HOSTILE.items():
        print(name, file=sys.stderr, flush=True)
        events.clear()
        largest_bytes()
        start, before = time.monotonic(), largest_bytes()
        answer = said(known[reader], paths[name])
        seconds, grown = time.monotonic() - start, largest_bytes() - before
        found[name] = {"said": answer, "seconds": seconds, "grown": grown, "events": list(events)}
        found[name]["printed"] = command_line(reader, paths[name], folder)
    left = sorted(path.name for path in folder.rglob("*") if path.name in ("mark", "out", "ran", "base.npz"))
    print(json.dumps({"cases": found, "left": left}))


if __name__ == "__main__":
    main()
