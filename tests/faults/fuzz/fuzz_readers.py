"""Coverage-guided fuzzing of every reader: ``python tests/faults/fuzz/fuzz_readers.py --minutes 10``.

Each reader gets an equal share of the CPU time, in a process of its own. It must return what keeps its contract or
raise `DataError`; a traceback, a broken contract, a crash of the process, ten CPU-seconds for one file or growth of its
memory by 100 MiB is a finding, and the file that caused it is kept. Seeds are the good and the small hostile files.

With `atheris` (libFuzzer for Python; Linux and Python 3.11 to 3.13) coverage is that of the branches of ptychostudy.io
and of the Python modules below it; without, it says so and falls back to its own loop, with lines seen by
``sys.settrace``.
"""

import argparse
import faulthandler
import hashlib
import importlib
import json
import math
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[2])]
READERS = ("scan", "hdf5", "canonical", "bundle", "product", "cxi", "nexus", "patterns", "json", "csv", "image")
INSTRUMENTED = ["ptychostudy.io", "zipfile", "json.decoder", "json.scanner", "numpy.lib._format_impl", "PIL"]
LONGEST_S, LARGEST_FILE, LARGEST_GROWTH = 10, 1 << 16, 100 << 20
SEED_BYTES = 1 << 16


def main():
    """Fuzz the readers one after the other; print a table; return 1 where something was found."""
    options = arguments()
    if options.worker:
        return worker(options)
    folder = Path(options.folder or tempfile.mkdtemp(prefix="fuzz-readers-"))
    engine = options.engine if options.engine != "auto" else ("atheris" if has_atheris() else "own")
    if engine == "own":
        print("fuzz_readers: atheris is not installed: falling back to the loop of this script", file=sys.stderr)
    seconds = 60 * options.minutes / len(options.readers)
    table = [fuzz(reader, engine, seconds, folder / reader, options.seed) for reader in options.readers]
    print(f"engine {engine}, Python {sys.version.split()[0]}, {options.minutes:g} minutes, seed {options.seed}")
    columns = ("reader", "seconds", "executions", "accepted", "refused", "corpus", "covered", "findings")
    print(" ".join(f"{name:>11}" for name in columns))
    for row in table:
        print(" ".join(f"{row[name]:>11}" for name in columns))
    found = sorted(path for path in folder.rglob("finding-*") if path.suffix != ".txt")
    for path in found:
        print(f"{path}: {path.with_suffix('.txt').read_text().splitlines()[-1]}")
    if options.report:
        Path(options.report).write_text(json.dumps({"engine": engine, "readers": table}, indent=2))
    return 1 if found else 0


def arguments():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="CPU time, all readers together (default 10)")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS), metavar="READER")
    parser.add_argument("--engine", choices=("auto", "atheris", "own"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where corpus and findings go (default: a new temporary folder)")
    parser.add_argument("--report", help="JSON file for the table")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def has_atheris():
    """Whether atheris can be imported by this Python."""
    return subprocess.run([sys.executable, "-c", "import atheris"], capture_output=True, check=False).returncode == 0


def fuzz(reader, engine, seconds, folder, seed):
    """Run workers on one reader until its time is used; one that dies leaves a finding, and the next goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    make_seeds(reader, folder / "corpus")
    total = {"reader": reader, "seconds": 0, "executions": 0, "accepted": 0, "refused": 0, "covered": 0}
    deaths = 0
    while (left := seconds - total["seconds"]) > 1 and deaths < 20:
        state = folder / "state.json"
        state.unlink(missing_ok=True)
        command = [sys.executable, str(HERE / "fuzz_readers.py"), "--worker", "--readers", reader, "--engine", engine]
        command += ["--seconds", str(left), "--folder", str(folder), "--seed", str(seed + deaths)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
        if state.is_file():
            for key, value in json.loads(state.read_text()).items():
                total[key] = max(total[key], value) if key == "covered" else total[key] + value
        if done.returncode or not state.is_file():
            deaths += 1
            total["seconds"] += 1  # of a worker that died before it gave account
            keep(folder, current(folder).read_bytes(), f"{done.stderr[-4000:]}\nworker ended by {done.returncode}")
        if engine == "atheris":
            found = re.findall(r"cov: (\d+)", done.stderr)
            total["covered"] = max([total["covered"], *map(int, found[-1:])])
    total |= {"seconds": round(total["seconds"]), "corpus": len(list((folder / "corpus").iterdir()))}
    return total | {"findings": len([path for path in folder.glob("finding-*") if path.suffix == ".txt"])}


def current(folder):
    """Return the file that is being read: after a crash of the process, the one that caused it."""
    return folder / "current"


def make_seeds(reader, corpus):
    """Write the good and the hostile files of a reader, as far as they are small."""
    from hostile_files import GOOD, HOSTILE

    corpus.mkdir(exist_ok=True)
    builders = {"good": GOOD[reader][1]}
    slow = re.compile("MB|GB|million|twenty|eight|pipe|device|20000|gzip of|goes on")
    builders |= {name: item[2] for name, item in HOSTILE.items() if item[0] == reader and not slow.search(name)}
    with tempfile.TemporaryDirectory() as folder:
        for number, build in enumerate(builders.values()):
            path = Path(folder, f"{number}{GOOD[reader][0]}")
            build(path, Path(folder, "mark"))
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= SEED_BYTES:
                (corpus / f"seed-{number}").write_bytes(path.read_bytes())


def keep(folder, data, text):
    """Keep a file that caused something, once for each kind of trouble."""
    lines = [line for line in text.strip().splitlines() if line]
    places = [line for line in lines if line.lstrip().startswith("File ")][-1:]
    kind = hashlib.sha256("".join([*places, lines[-1][:40]]).encode()).hexdigest()[:12]
    (folder / f"finding-{kind}").write_bytes(data)
    (folder / f"finding-{kind}.txt").write_text(text + "\n")


# --- one worker -------------------------------------------------------------------------------------------------------


def contract(reader, result):
    """Say what is wrong with something that a reader let pass; nothing if all is well."""
    import numpy as np

    def finite(*arrays):
        return all(np.all(np.isfinite(array)) for array in arrays)

    def scan(found):
        k, n = len(found["positions"]), len(found["probe"])
        good = found["positions"].shape == (k, 2) and k > 0 and finite(found["positions"], found["probe"])
        good &= found["probe"].shape == (n, n) and found["probe"].dtype == np.complex64 and bool(np.any(found["probe"]))
        good &= (
            found["counts"].shape == (k, n, n) and found["counts"].dtype == np.uint32 and bool(found["counts"].any())
        )
        return good and len(np.unique(found["positions"], axis=0)) == k and finite(found.get("object", 0))

    def canonical(found):
        opened, arrays, metadata = found
        good = opened.counts.dtype == np.uint32 and len(opened.counts) == len(opened.positions) > 0
        good &= finite(opened.positions, opened.probe, opened.truth) and math.isfinite(opened.photons_measured)
        return good and isinstance(metadata, dict) and not any(value.dtype.hasobject for value in arrays.values())

    def bundle(found):
        good = finite(found["probe"]) and all(value.dtype.kind == "f" for value in found["weights"].values())
        return good and isinstance(found["config"]["n"], int) and isinstance(found["provenance"]["outcome"], dict)

    def product(found):
        n, corners = len(found.probe), found.positions - len(found.probe) / 2
        good = finite(found.object, found.probe, found.positions, found.loss) and found.pixel_size_m > 0
        return good and np.all(corners > -1e-3) and np.all(corners + n < np.array(found.object.shape) + 1e-3)

    def image(found):
        return found.ndim == 2 and finite(found) and found.min() == 0 and abs(found.max() - 1) < 1e-9

    def user_file(found):
        from ptychostudy.formats.user_file import DECLARED, KNOWN

        good = set(found.arrays) <= set(KNOWN) and set(found.declared) <= set(DECLARED)
        stated = [value for value in found.declared.values() if isinstance(value, float)]
        return good and finite(*stated) and not any(value.dtype.hasobject for value in found.arrays.values())

    rules = {"scan": scan, "hdf5": scan, "canonical": canonical, "bundle": bundle, "product": product, "image": image}
    rules |= dict.fromkeys(("cxi", "nexus", "patterns"), user_file)
    rules["json"] = lambda found: "jobs" in found and json.dumps(found, allow_nan=False)
    rules["csv"] = lambda found: all(set(row) == {"model", "value"} and all(row.values()) for row in found)
    return rules[reader](result)


class Target:
    """One reader, and the account of what it did."""

    def __init__(self, reader, folder, seconds):
        from hostile_files import GOOD, readers

        from ptychostudy.io.atomic import DataError

        self.reader, self.folder, self.refusal = reader, folder, DataError
        self.read = readers()[reader]
        if reader in ("scan", "hdf5"):
            plain = self.read
            self.read = lambda path: plain(path, measurement=("auto", "intensity", "amplitude")[self.executions % 3])
        self.path = current(folder).with_suffix(GOOD[reader][0])
        current(folder).unlink(missing_ok=True)
        self.path.touch()
        os.link(self.path, current(folder))
        self.end, self.executions, self.accepted, self.refused = time.process_time() + seconds, 0, 0, 0
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def __call__(self, data):
        """Read one file."""
        self.executions += 1
        self.path.write_bytes(data)
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)  # of CPU time; its signal ends the process
        faulthandler.dump_traceback_later(30 * LONGEST_S, exit=True)  # for what waits
        try:
            found = self.read(self.path)
            if not contract(self.reader, found):
                raise AssertionError("something that breaks the contract was let pass")
            self.accepted += 1
        except self.refusal as error:
            self.refused += 1
            if str(self.path) not in str(error):
                keep(self.folder, data, f"the message does not name the file: {error}")
        except Exception:
            keep(self.folder, data, traceback.format_exc())
        finally:
            faulthandler.cancel_dump_traceback_later()
            signal.setitimer(signal.ITIMER_PROF, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if self.executions > 100 and peak > self.peak + LARGEST_GROWTH:
            keep(self.folder, data, f"one file took {peak - self.peak} bytes")
        self.peak = max(self.peak, peak)

    def done(self):
        """Whether the CPU time is used."""
        return time.process_time() > self.end

    def write(self, covered=0):
        """Write the account, for the parent to read after the end."""
        account = {"executions": self.executions, "accepted": self.accepted, "refused": self.refused}
        account["seconds"] = round(time.process_time(), 1)
        (self.folder / "state.json").write_text(json.dumps(account | {"covered": covered}))


def worker(options):
    """Fuzz one reader for some seconds."""
    (reader,), folder = options.readers, Path(options.folder)
    import warnings

    if options.engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
            for name in (
                "PIL.JpegImagePlugin",
                "PIL.PngImagePlugin",
                "PIL.TiffImagePlugin",
                "ptychostudy.formats.ptychodus",
            ):
                importlib.import_module(name)
        warnings.simplefilter("error", RuntimeWarning)
        return with_atheris(atheris, Target(reader, folder, options.seconds), options)
    warnings.simplefilter("error", RuntimeWarning)
    return on_its_own(Target(reader, folder, options.seconds), options)


def with_atheris(atheris, target, options):
    """Hand the loop to libFuzzer, with changes that know the files' frames."""
    from mutations import mutate

    def inner(data, rng):
        return atheris.Mutate(data, len(data) + 64) if rng.random() < 0.5 else mutate_blind(data, rng)

    from mutations import blind as mutate_blind

    def custom(data, max_size, seed):
        return mutate(bytes(data), seed, inner)[:max_size]

    def one(data):
        target(data)
        if target.executions % 500 == 0 or target.done():
            target.write()
        if target.done():
            sys.stderr.flush()
            os._exit(0)

    command = ["fuzz_readers", f"-max_len={LARGEST_FILE}"]
    command += [f"-seed={options.seed}", "-rss_limit_mb=3000", f"-timeout={60 * LONGEST_S}", "-len_control=0"]
    command += [f"-artifact_prefix={target.folder}/", str(target.folder / "corpus")]
    atheris.Setup(command, one, custom_mutator=custom)
    atheris.Fuzz()
    return 0


def on_its_own(target, options):
    """Keep what reaches new lines, and change what is kept."""
    from mutations import mutate

    covered, rng = set(), random.Random(options.seed)
    watched = tuple(str(HERE.parents[2] / "ptychostudy" / "io")), ("zipfile.py", "_format_impl.py", "decoder.py")

    def trace(frame, event, argument):
        name = frame.f_code.co_filename
        if not (name.startswith(watched[0]) or name.endswith(watched[1])):
            return None
        lines.add((name, frame.f_lineno))
        return trace

    pool = [path.read_bytes() for path in sorted((target.folder / "corpus").iterdir())]
    pending = list(pool)
    while not target.done():
        data = pending.pop() if pending else mutate(rng.choice(pool), rng.getrandbits(64))[:LARGEST_FILE]
        lines = set()
        sys.settrace(trace)
        target(data)
        sys.settrace(None)
        if not lines <= covered and data not in pool:
            pool.append(data)
            (target.folder / "corpus" / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        covered |= lines
        if target.executions % 500 == 0:
            target.write(len(covered))
    target.write(len(covered))
    return 0


if __name__ == "__main__":
    sys.exit(main())
