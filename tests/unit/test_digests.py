"""What an edit reruns: for each module the rules whose digest it changes, counted in more than one way.

`python tests/unit/test_digests.py` writes the table ``digests.txt`` anew; its diff says what a change of imports costs.
"""

import re
import shutil
import subprocess
import sys
from modulefinder import ModuleFinder
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from ptychostudy import provenance  # noqa: E402
from ptychostudy.intake import sources  # noqa: E402
from ptychostudy.study.section import Section  # noqa: E402
from ptychostudy.study.sections.base import BaseSettings  # noqa: E402
from ptychostudy.study.sections.simulate import WrongProbeSettings  # noqa: E402
from ptychostudy.study.sections.split import SplitSettings  # noqa: E402
from ptychostudy.study.stage_settings import READ  # noqa: E402

TABLE = Path(__file__).with_name("digests.txt")
SOURCES = (sources.USER, sources.PICTURE, sources.MASK, sources.GEOMETRY)
# With a file comes what a study asks of its scan.
BESIDE = {sources.USER: (sources.ASKED,)}
# Keras, torch and imports inside functions: what they run is not seen by importing them here.
UNSEEN = {"train", "infer", "answers", "reconstruct", "reference"}
# What costs hours, and all that comes before it: a rule whose input is made anew runs, too.
COSTLY = {
    "fetch",
    "base",
    "truth",
    "reference",
    "simulate",
    "overlap",
    "train_pinn",
    "train_baseline",
    "reconstruct",
    "infer",
    "stitch",
    "compare",
}


def stages():
    """Return the stage of each rule whose code counts, by the names of the rules."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    blocks = re.split(r"^rule (\w+):", text, flags=re.MULTILINE)[1:]
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    return {name: found[1] for name, block in pairs if (found := re.search(r'code=code\("(\w+)"\)', block))}


def closures(root=ROOT):
    """Return the modules each rule depends on, and under ``base with X`` those of a study that needs a reader."""
    wanted = {rule: (f"ptychostudy.stages.{stage}",) for rule, stage in stages().items()}
    for module in SOURCES:
        wanted[f"base with {module.rpartition('.')[2]}"] = ("ptychostudy.stages.base", module, *BESIDE.get(module, ()))
    before, provenance.ROOT = provenance.ROOT, root
    try:
        found = {rule: provenance.import_closure(*modules) for rule, modules in wanted.items()}
    finally:
        provenance.ROOT = before
    return {
        rule: {path.relative_to(root / "ptychostudy").as_posix() for path in paths} for rule, paths in found.items()
    }


def reruns(root=ROOT):
    """Return the rules that an edit of each module reruns by itself; what follows from their outputs comes on top."""
    found = closures(root)
    modules = sorted(path.relative_to(root / "ptychostudy").as_posix() for path in (root / "ptychostudy").rglob("*.py"))
    return {module: sorted(rule for rule, files in found.items() if module in files) for module in modules}


def table():
    """Return the table as text; where every rule reruns it says so."""
    every = sorted(closures())
    lines = [
        f"{module}: {'every rule' if rules == every else ' '.join(r.replace(' ', '_') for r in rules) or 'none'}"
        for module, rules in reruns().items()
    ]
    return "\n".join(lines) + "\n"


def test_the_table_is_in_date():
    """A wider closure is a cost to be looked at: write the table anew and read its diff."""
    assert table() == TABLE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def loaded():
    """Return what Python loads of this package for each stage, in one other process that forgets it in between."""
    code = """
import importlib, sys
for stage in sys.argv[1:]:
    for name in [name for name in sys.modules if name.partition(".")[0] == "ptychostudy"]:
        del sys.modules[name]
    importlib.import_module(f"ptychostudy.stages.{stage}")
    print(stage, *(name for name in sys.modules if name.partition(".")[0] == "ptychostudy"))
"""
    seen = sorted(set(stages().values()) - UNSEEN)
    command = [sys.executable, "-c", code, *seen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    return {stage: set(names) for stage, *names in map(str.split, done.stdout.splitlines())}


def dotted(file):
    return ".".join(("ptychostudy", *Path(file).with_suffix("").parts)).removesuffix(".__init__")


def test_python_loads_exactly_what_counts(loaded):
    found, wrong = closures(), {}
    for rule, stage in stages().items():
        if stage not in UNSEEN and (different := loaded[stage] ^ {dotted(file) for file in found[rule]}):
            wrong[rule] = sorted(different)
    assert len(loaded) > 10
    assert wrong == {}


@pytest.mark.parametrize("stage", sorted(UNSEEN & set(stages().values())))
def test_the_byte_code_imports_exactly_what_counts(stage, tmp_path):
    """Of stages that are dear to import: imports read from byte code, inside functions too, by Python's own finder."""
    # Imports for types never run; under `if False` the compiler drops them.
    for path in (ROOT / "ptychostudy").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8").replace("if TYPE_CHECKING:", "if False:"), encoding="utf-8")
    finder = ModuleFinder(path=[str(tmp_path)])
    finder.run_script(str(tmp_path / "ptychostudy" / "stages" / f"{stage}.py"))
    names = {name for name in finder.modules if name.partition(".")[0] == "ptychostudy"}
    rule = next(rule for rule, one in stages().items() if one == stage)
    # The script itself goes by the name __main__; its package runs, too.
    names |= {"ptychostudy", "ptychostudy.stages", f"ptychostudy.stages.{stage}"}
    assert names == {dotted(file) for file in closures()[rule]}


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        (
            "io/text.py",
            {"check", "figures", "gate", "grid", "insight", "inventory", "page", "speed", "summarize", "verify"},
        ),
        ("io/pictures.py", {"picture", "grid", "figures", "insight", "parity"}),
        ("formats/picture.py", {"base with picture", "base with mask_file"}),
        ("formats/any_object.py", {"adopt"}),
        ("intake/mask_file.py", {"base with mask_file"}),
        ("intake/user.py", {"base with user"}),
        ("formats/cxi.py", {"base with user", "base with mask_file", "adopt"}),
        ("formats/linked_files.py", set()),
        ("formats/ptychodus.py", {"export"}),
        ("formats/siemens_star.py", {"fetch"}),
        ("formats/download.py", {"fetch"}),
        ("runs/progress.py", set()),
        ("runs/process.py", set()),
        ("runs/liveness.py", set()),
        ("runs/blocked.py", set()),
        ("runs/archive.py", set()),
        ("figures/style.py", {"picture", "grid", "figures", "insight", "parity"}),
        ("figures/fields.py", {"picture"}),
        ("figures/curves.py", {"figures"}),
        ("figures/rings.py", {"figures"}),
        ("figures/grids.py", {"grid", "figures"}),
        ("figures/scan.py", {"insight"}),
        ("report/closing.py", {"gate"}),
        ("checks/metrics.py", {"verify"}),
        ("networks/losses.py", {"train_pinn", "train_baseline", "train_feed_forward"}),
        ("measure/ssim.py", {"compare", "verify"}),
        ("study/settings.py", set()),
    ],
)
def test_an_edit_reruns_these_rules_and_no_other(module, rules):
    assert set(reruns()[module]) == rules


@pytest.mark.parametrize("room", ["figures", "report", "checks"])
def test_an_edit_of_what_only_tells_trains_and_scores_nothing(room):
    found = {module: COSTLY & set(rules) for module, rules in reruns().items() if module.startswith(f"{room}/")}
    assert len(found) > 3
    assert {module: rules for module, rules in found.items() if rules and not module.endswith("__init__.py")} == {}


@pytest.mark.parametrize(
    ("face", "line", "module"),
    [
        ("io", "from ptychostudy.io.pictures import write_figure", "io/pictures.py"),
        ("formats", "from ptychostudy.formats.picture import read_image", "formats/picture.py"),
        ("figures", "from ptychostudy.figures.grids import ssim_grid", "figures/grids.py"),
    ],
)
def test_a_face_put_back_is_noticed(tmp_path, face, line, module):
    root = tmp_path / "copy"
    shutil.copytree(ROOT / "ptychostudy", root / "ptychostudy", ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "ptychostudy" / face / "__init__.py"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    assert set(reruns()[module]) < set(reruns(root)[module])


@pytest.mark.parametrize("section", [*READ.values(), SplitSettings, WrongProbeSettings])
def test_a_section_holds_keys_and_nothing_that_decides(section):
    """Sections are no part of a stage's code: what they said beside their keys could change, and rerun nothing."""
    said = {name for each in section.__mro__[: section.__mro__.index(Section)] for name in vars(each)}
    public = {name for name in said if not name.startswith("_") and name != "model_config"}
    of_pydantic = set(dir(Section))
    assert public - set(section.model_fields) - of_pydantic <= {"group_frames"}
    assert section.__class_vars__ <= {"model_config"}


def test_what_a_section_says_beside_its_keys_is_asked_for_by_no_stage():
    for path in (ROOT / "ptychostudy").rglob("*.py"):
        if "study" not in path.relative_to(ROOT).parts:
            assert "group_frames" not in path.read_text(encoding="utf-8"), path


def test_the_readers_are_modules():
    assert [sources.load(module).__name__ for module in SOURCES] == list(SOURCES)


@pytest.mark.parametrize(
    ("base", "modules"),
    [
        ({}, []),
        ({"object": {"kind": "image", "amplitude_image": "a.png", "phase_image": "b.png"}}, [sources.PICTURE]),
        ({"kind": "npz", "npz": {"path": "a.npz"}}, [sources.USER, sources.ASKED]),
        ({"kind": "siemens_star", "frames": "measured"}, [sources.USER, sources.ASKED, sources.GEOMETRY]),
        ({"kind": "npz", "npz": {"path": "a.npz", "mask": "m.npy"}}, [sources.USER, sources.ASKED, sources.MASK]),
        (
            {"kind": "siemens_star", "frames": "measured", "npz": {"mask": "m.png"}},
            [sources.USER, sources.ASKED, sources.GEOMETRY, sources.MASK],
        ),
    ],
)
def test_a_study_needs_the_reader_of_its_source(base, modules):
    assert sources.needed(BaseSettings(**base)) == modules


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
