"""Common: validate the configuration, and what the rules ask of it. No rules."""

import functools
import gc
import os
import sys

# A module is given its configuration by the workflow that has it.
EMBEDDED = not workflow.modifier.is_main_snakefile()

# Snakemake's objects live as long as it does; to look for cycles in them takes a fifth of a dry run.
if not EMBEDDED:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

# Not `workflow.basedir`: where this one is a module, that is another workflow's.
SOURCE = os.path.dirname(str(workflow.current_basedir))
# That of a Snakefile fetched from elsewhere is no folder; its package was installed.
if os.path.isdir(SOURCE):
    sys.path.insert(0, SOURCE)

try:
    from ptychostudy.runs import kept_digests
except ImportError as error:
    sys.exit(
        f"{error} (of {SOURCE}); needed: its version of ptychostudy, installed by pip where Snakemake runs"
    )
from ptychostudy.intake import sources
from ptychostudy.study import arm_names, layout, names
from ptychostudy.study.foreign_files import check_places
from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import encode, stage_settings
from ptychostudy.study.yaml_file import ConfigError, read_yaml


def told(check, *arguments):
    """Return what a check of the configuration does; end with its message where it refuses."""
    try:
        return check(*arguments)
    except ConfigError as error:
        # A WorkflowError would add lines of this file, which are not what is wrong.
        sys.exit(f"ptychostudy: {error}")


# What a hub says of its study need not be said on the command line, which still has the last word.
if os.path.exists("study.yaml") and not EMBEDDED:
    told(read_yaml, "study.yaml")

    configfile: "study.yaml"


# Snakemake has read them, and lets keys pass that are given twice.
for path in [] if EMBEDDED else workflow.configfiles:
    told(read_yaml, path)
STUDY = told(parse_study, config)
told(check_places, STUDY)

DOSES = STUDY.dose_list
VIEWS = STUDY.view_list
SPLITS = list(names.SPLITS)
# Those of other programs are not among them, which have exports of their own.
ARMS = arm_names.arms_of_study(STUDY.train.networks, STUDY.reconstruct.start, ())


wildcard_constraints:
    dose=r"[0-9]+",
    view="|".join(VIEWS),
    split="|".join(SPLITS),
    arm="|".join(ARMS),
    network="|".join(STUDY.train.networks),
    foreign="|".join(STUDY.arms.extra),


# How many there are is asked of `gather`, which also knows of --set-scatter.
scattergather:
    shards=STUDY.infer.shards,


# Each job asks for it, and nearly all get the same.
@functools.cache
def settings_text(stage, view):
    """Return the JSON of what one stage reads."""
    return encode(stage_settings(STUDY, stage, view))


def settings(stage):
    """Return a params function: the JSON of what one stage reads, and nothing else."""

    def of(wildcards):
        return settings_text(stage, wildcards.get("view") if stage == "overlap" else None)

    return of


# The modules behind each digest, which `run.smk` notes for those who ask what has changed.
CODE = {}


def code(stage):
    """Return the digest of a stage's own sources; comments and docstrings do not count."""
    read = sources.needed(STUDY.base) if stage == "base" else []
    modules = [f"ptychostudy.stages.{stage}", *read]
    digest = kept_digests.code_digest(*modules)
    CODE[digest] = modules
    return digest


def cells(pattern, folders=("",)):
    """Expand a path over all cells of the study, in each of some folders."""
    # Pair by pair: with fixed fluence not every dose has every view.
    doses, views = zip(*STUDY.pairs)
    pairs = expand(pattern, zip, dose=doses, view=views, allow_missing=True)
    paths = expand(pairs, split=SPLITS)
    return [folder + path for folder in folders for path in paths]


def repeated(pattern):
    """Expand a path as `cells` does, for the seeds after the first."""
    return cells(pattern, layout.repetitions(STUDY)[1:])


def base_source(wildcards):
    """Return the files a study starts from, where it has any, and those that their data lie in."""
    if STUDY.base.kind == "siemens_star":
        return [layout.STAR_SCAN]
    named = sources.named_files(STUDY.base)
    if not named:
        return []
    # Studies without such files need no reader of them.
    from ptychostudy.formats.linked_files import with_linked

    return with_linked(named)


def study_files(wildcards):
    """Return every file that the inventory lists; logs and reports about it are not among them."""
    return layout.listed(STUDY)


def whole_study(wildcards):
    """Return every file of the study and the verdicts on it."""
    # One by one, shards too: what follows from a deleted one may be there still.
    scattered = gather.shards(layout.SHARD, network=STUDY.train.networks, allow_missing=True)
    return [*layout.listed(STUDY), *cells(scattered, layout.repetitions(STUDY)), *layout.VERDICTS]


include: "backends.smk"
include: "networks.smk"
include: "foreign.smk"
include: "resources.smk"
