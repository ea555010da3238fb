"""Embedded: this workflow within another one, whose run it is, with hooks and targets of its own. No rules.

in   the module's `prefix` and `config`
out  HUB, the folder that holds the study's folders; PACKAGE, the one that holds the package
"""

import sys

from snakemake.shell import shell as shell_class

from ptychostudy.runs import embedded, liveness
from ptychostudy.runs.preflight import PreflightError

try:
    HUB = embedded.hub(workflow.modifier.modify_path)
    PACKAGE = embedded.package_folder(SOURCE)
except PreflightError as error:
    sys.exit(f"ptychostudy: {error}")

if EMBEDDED:
    liveness.announce()
    shell.prefix(embedded.shell_prefix(shell_class._get_process_prefix(), PACKAGE))
