"""Run: claim the hub, let jobs end in good order, and say what failed or was resolved. No rules.

in   Snakemake's log
out  red/blocked_{UTC}.md  analysis/blocker.log  .snakemake/ptychostudy.run
"""

import os
import sys
from pathlib import Path

from ptychostudy import liveness
from ptychostudy.stages import blocked

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

# SIGTERM to a job's whole group: the stage ends by itself; its shell and `tee` wait for its last words and its status.
# The package is that of this Snakefile, in environments of conda too: they hold what it imports but not itself, and
# Snakemake takes PYTHONPATH out of theirs before the command, where alone it can be said again.
package = shlex.quote(str(workflow.basedir)).replace("{", "{{").replace("}", "}}")
shell.prefix(f"set -euo pipefail; trap '' TERM; export PYTHONPATH={package}; ")


onstart:
    cancel = f"{workflow.basedir}/profiles/slurm/cancel_orphans.sh"
    if RUN.alone and not workflow.local_exec and liveness.cancel_orphans(cancel):
        RUN.restart(workflow.workdir_init)
    liveness.defer_sigterm()


onerror:
    blocked.run(log=log, command=blocked.continuation(sys.argv, shell_folder=os.environ.get("PWD", "")))


onsuccess:
    blocked.resolve()
