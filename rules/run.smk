"""Run: claim the hub, let jobs end in good order, and say what failed or was resolved. No rules.

in   Snakemake's log
out  red/blocked_{UTC}.md  analysis/blocker.log  .snakemake/ptychostudy.run
"""

import os
import sys
from pathlib import Path

from ptychostudy import liveness, preflight
from ptychostudy.stages import blocked

# What would be passed over, or could not be submitted, is said before anything begins.
LINE = preflight.command_line() if workflow.is_main_process else None
if LINE:
    far = {rule.name: rule.resources for rule in workflow.rules if rule.name not in workflow._localrules}
    known = {*preflight.STANDARD, *workflow.global_resources, *(key for of in far.values() for key in of)}
    try:
        preflight.check_names(LINE, preflight.rule_names(Path(workflow.basedir)), vars(scatter), known)
        preflight.check_slurm(LINE, far)
    except preflight.PreflightError as error:
        sys.exit(f"ptychostudy: {error}")

# What a killed run left behind is cleared before Snakemake looks for locks. Snakemake within a cluster job claims nothing.
RUN = liveness.Run() if workflow.is_main_process else liveness.announce()

# What a person reads at the end is no stage's input, so a damaged one would stay; -n names it, too.
if workflow.is_main_process and RUN.alone:
    from ptychostudy import io  # NumPy and HDF5, which no cluster job pays for here

    results = [path for part in ("analysis", "seeds/*/analysis") for path in sorted(Path().glob(f"{part}/*"))]
    try:
        io.check_sums(path for path in results if path != blocked.LEDGER)  # people may write into the ledger
    except io.DataError as error:
        sys.exit(f"ptychostudy: {error}")

LOGS = blocked.logs() if workflow.is_main_process else {}

# SIGTERM to a job's whole group: the stage ends by itself; its shell and `tee` wait for its last words and its status.
shell.prefix("set -euo pipefail; trap '' TERM; ")


onstart:
    cancel = f"{workflow.basedir}/profiles/slurm/cancel_orphans.sh"
    if RUN.alone and not workflow.local_exec and liveness.cancel_orphans(cancel):
        RUN.restart(workflow.workdir_init)
    liveness.defer_sigterm(cancel=not workflow.local_exec)
    if workflow.executor_plugin.name == "slurm":
        liveness.end_failed_submissions(workflow.scheduler._executor)


onerror:
    resume = blocked.continuation(sys.argv, shell_folder=os.environ.get("PWD", ""))
    blocked.run(log=log, command=resume, before=LOGS)


onsuccess:
    blocked.resolve()
