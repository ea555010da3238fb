"""What a terminal shows of a failed job: its message is not to drown in its own command."""

import logging
import re

# Snakemake quotes the JSON for a shell, in which a quote ends the text and begins it anew.
_SETTINGS = re.compile(r"--settings '(?:[^']|'\"'\"')*'")
_COMMAND = re.compile(
    r"^(?P<head>CalledProcessError in file [^\n]*:\n)Command '.*?' "
    r"(?P<end>returned non-zero|died with)",
    re.MULTILINE | re.DOTALL,
)
_STREAM = "DefaultStreamHandler"
"""How Snakemake 9 calls the one of its handlers that writes to the terminal."""


def shortened(text: str) -> str:
    """Return what Snakemake says of a failed job without the settings, nor its command twice.

    Parameters
    ----------
    text : str
        As Snakemake 9 words it. Its log, ``red/blocked_*.md`` and ``snakemake -n -p`` hold it all.
    """
    once = _COMMAND.sub(r"\g<head>The command \g<end>", text)
    return _SETTINGS.sub("--settings ...", once)


class Shortened(logging.Formatter):
    """Snakemake's formatter, errors `shortened`.

    Parameters
    ----------
    formatter : Formatter
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record; Snakemake's formatter returns none for some."""
        text = self.formatter.format(record)
        return shortened(text) if text and record.levelno >= logging.ERROR else text


def shorten(logger: logging.Logger) -> None:
    """Shorten the errors that a logger of Snakemake writes to the terminal."""
    for handler in logger.handlers:
        if handler.name == _STREAM and handler.formatter is not None:
            handler.setFormatter(Shortened(handler.formatter))
