"""Run: refuse mistakes and damaged files, claim the hub, widen targets, say what failed. No rules.

Where this workflow is a module, its run is another's: see embedded.smk.

in   Snakemake's log, every file of the study
out  red/blocked_{UTC}.md  analysis/blocker.log  .snakemake/ptychostudy.{run,seen,code.json}
"""

import os
import sys

from snakemake.logging import logger

from ptychostudy.io.atomic import DataError
from ptychostudy.runs import blocked, code_record, liveness, process, shown_errors, start
from ptychostudy.runs import submissions, targets
from ptychostudy.runs.preflight import PreflightError
from ptychostudy.telling import listening

RUN, LOGS, QUIET = None, {}, None

# Within a cluster job Snakemake is no run of its own: it is told what to do, and claims nothing.
if workflow.is_main_process:
    try:
        start.check_settings(workflow, vars(scatter))
        # What a killed run left behind is cleared before Snakemake looks for locks.
        RUN = liveness.Run()
        # While another run is alive, its jobs are writing.
        if RUN.alone:
            start.check_files(whole_study(None))
    except (PreflightError, DataError) as error:
        sys.exit(f"ptychostudy: {error}")
    targets.widen(
        workflow, ["analysis/verification_report.json", "analysis/verified.txt"], whole="all"
    )
    LOGS = blocked.logs()
    shown_errors.shorten(logger)
    QUIET = listening.attach(workflow)
    process.tell_width()
else:
    liveness.announce()

shell.prefix(process.shell_prefix(PACKAGE, silent=QUIET is not None))


onstart:
    script = f"{SOURCE}/profiles/slurm/cancel_orphans.sh"
    far = not workflow.local_exec
    if RUN.alone and far and liveness.cancel_orphans(script):
        RUN.restart(workflow.workdir_init)
    if RUN.alone:
        blocked.clear()
    liveness.defer_sigterm(cancel=far)
    code_record.note(CODE)
    if QUIET:
        QUIET.expect(workflow, STUDY)
    if workflow.executor_plugin.name == "slurm":
        submissions.mend(workflow.scheduler._executor, workflow.scheduler)


onerror:
    if QUIET:
        QUIET.settle(logger)
    resume = blocked.continuation(sys.argv, shell_folder=os.environ.get("PWD", ""))
    blocked.report(log, resume, LOGS)


onsuccess:
    if QUIET:
        QUIET.settle(logger)
    blocked.resolve()
