"""Run: claim the hub, see that no file is damaged, widen the targets, let jobs end in good order, say what failed. No rules.

in   Snakemake's log, every file of the study
out  red/blocked_{UTC}.md  analysis/blocker.log  .snakemake/ptychostudy.{run,seen}
"""

import os
import shlex
import sys
from pathlib import Path

from ptychostudy.runs import blocked, hanging, liveness, preflight, targets

# What would be passed over, or could not be submitted, is said before anything begins.
LINE = preflight.command_line() if workflow.is_main_process else None
if LINE:
    far = {
        each.name: each.resources
        for each in workflow.rules
        if each.name not in workflow._localrules
    }
    known = {
        *preflight.STANDARD,
        *workflow.global_resources,
        *(key for of in far.values() for key in of),
    }
    try:
        preflight.check_names(
            LINE, preflight.rule_names(Path(workflow.basedir)), vars(scatter), known
        )
        preflight.check_slurm(LINE, far)
    except preflight.PreflightError as error:
        sys.exit(f"ptychostudy: {error}")

# What a killed run left behind is cleared before Snakemake looks for locks. Snakemake within a cluster job claims nothing.
RUN = liveness.Run() if workflow.is_main_process else liveness.announce()

# Snakemake compares times. A file that was damaged or replaced under its old one is named before anything counts on it.
if workflow.is_main_process and RUN.alone:
    from ptychostudy.io.atomic import (
        DataError,
    )  # NumPy and HDF5, which no cluster job pays for here
    from ptychostudy.io.sums import check_touched

    written = set(whole_study(None))
    written.update(
        str(path) for part in ("analysis", "seeds/*/analysis") for path in Path().glob(f"{part}/*")
    )
    written.discard(str(blocked.LEDGER))  # people may write into it
    try:
        check_touched(
            sorted(written),
            liveness.STATE / "ptychostudy.seen",
            inventory=Path("analysis/artifact_inventory.json"),
        )
    except DataError as error:
        sys.exit(f"ptychostudy: {error}")

# Under cluster jobs Snakemake is told which jobs to do, not what to make.
if workflow.is_main_process:
    targets.widen(
        workflow, ["analysis/verification_report.json", "analysis/verified.txt"], whole="all"
    )

LOGS = blocked.logs() if workflow.is_main_process else {}

# SIGTERM to a job's whole group: the stage ends by itself; its shell and `tee` wait for its last words and its status.
# The package is that of this Snakefile, in environments of conda too: they hold what it imports but not itself, and
# Snakemake takes PYTHONPATH out of theirs before the command, where alone it can be said again.
package = shlex.quote(str(workflow.basedir)).replace("{", "{{").replace("}", "}}")
shell.prefix(
    f"set -euo pipefail; trap '' TERM; export PYTHONPATH={package}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
)


onstart:
    cancel = f"{workflow.basedir}/profiles/slurm/cancel_orphans.sh"
    if RUN.alone and not workflow.local_exec and liveness.cancel_orphans(cancel):
        RUN.restart(workflow.workdir_init)
    liveness.defer_sigterm(cancel=not workflow.local_exec)
    if workflow.executor_plugin.name == "slurm":
        hanging.end_with_the_run(workflow.scheduler._executor, workflow.scheduler)
        liveness.end_failed_submissions(workflow.scheduler._executor)


onerror:
    resume = blocked.continuation(sys.argv, shell_folder=os.environ.get("PWD", ""))
    blocked.report(log, resume, LOGS)


onsuccess:
    blocked.resolve()
