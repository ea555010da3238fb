"""``snakemake --logger ptychostudy``: a run in one panel on a terminal, in few lines elsewhere.

Snakemake finds the plug-in by its name and imports it at every start, before it reads a Snakefile.
So it holds nothing of the package ``ptychostudy``, which is the one beside that Snakefile: the
workflow gives a listener (``rules/run.smk``). In a dry run, and of another workflow, it says what
Snakemake says.
"""

import logging
import sys
from collections.abc import Callable

from snakemake_interface_logger_plugins.base import LogHandlerBase


class LogHandler(LogHandlerBase):
    """Hand each record of Snakemake to the workflow's listener.

    Attributes
    ----------
    listener : callable or None
        Takes a record.
    ending : callable or None
        What is to be done at the end of the run, however it ends.
    plain : logging.Handler
        Writes a record as Snakemake would without the plug-in.
    """

    def __post_init__(self) -> None:
        # Snakemake's module imports this one.
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

        asked = self.common_settings
        stream = sys.stdout if asked.stdout else sys.stderr
        self.listener: Callable[[logging.LogRecord], None] | None = None
        self.ending: Callable[[], None] | None = None
        self._held: list[logging.LogRecord] = []
        self.plain = ColorizingTextHandler(nocolor=asked.nocolor, stream=stream)
        self.plain.setFormatter(DefaultFormatter(asked.quiet, asked.show_failed_logs))
        self.plain.addFilter(
            DefaultFilter(
                asked.quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; whatever goes wrong here must not end the thread that reads them."""
        try:
            if self.listener is None and self._is_early(record):
                self._held.append(record)
            else:
                self._hand_on(record)
        except Exception:
            self.handleError(record)

    def _is_early(self, record: logging.LogRecord) -> bool:
        """Say whether it may wait until it is known who listens: what is no event is chat."""
        asked = self.common_settings
        chat = getattr(record, "event", None) is None and record.levelno < logging.WARNING
        return chat and not (asked.dryrun or asked.verbose)

    def _hand_on(self, *records: logging.LogRecord) -> None:
        held, self._held = self._held, []
        for record in (*held, *records):
            if self.listener is not None:
                self.listener(record)
            else:
                self.plain.handle(record)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._hand_on()
        if self.ending is not None:
            self.ending()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of Snakemake's own lines."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's log in ``.snakemake/log`` is written all the same."""
        return False

    @property
    def has_filter(self) -> bool:
        """It chooses by itself."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It words by itself."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """The workflow tells of its jobs."""
        return False
