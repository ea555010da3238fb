"""One finding of `doctor`: what was looked at, how it is, and the remedy where it is not well."""

from dataclasses import dataclass

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """What was found.

    Attributes
    ----------
    name : str
        What was looked at.
    state : str
        `OK`; `WARNING`, with which a run can do; `PROBLEM`, with which it cannot.
    text : str
        What was found.
    remedy : str
        What to do; empty where all is well.
    """

    name: str
    state: str
    text: str
    remedy: str = ""
