"""Whether a run talks little: asked in every start of Snakemake, and light where it does not."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptychostudy.telling.quiet_run import QuietRun

_PLUGIN = "snakemake_logger_plugin_ptychostudy"


def attach(workflow: Any) -> "QuietRun | None":
    """Return what listens to this run, where its command line asks for that; else None.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
    """
    for handler in workflow.logger_manager.get_log_handlers():
        asked = handler.common_settings
        if type(handler).__module__ == _PLUGIN and not (asked.dryrun or asked.verbose):
            # The panel and all it draws on take longer than the parsing of any rule.
            from ptychostudy.telling.quiet_run import QuietRun

            return QuietRun(handler)
    return None
