"""Snakemake's log, taken apart: messages, blocks of ``key: value`` lines, and other logs in it.

Text in, text out; what the parts say about a failed job is put together in
`ptychostudy.runs.failures`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

NOT_REPORTED = "not reported"
# A job that starts: its rule, and below it what is known of it.
_BLOCK = re.compile(
    r"^(?P<indent>[ ]*)(?:local)?(?:rule|checkpoint) (?P<rule>\w+):\n"
    r"(?P<body>(?:(?P=indent)    .*\n)+)",
    re.MULTILINE,
)
ERROR = re.compile(
    r"^(?P<indent>[ ]*)Error in (?:rule|checkpoint) (?P<rule>\w+):\n"
    r"(?P<body>(?:(?P=indent)    .*\n|\s*\n)+)",
    re.MULTILINE,
)
MISSING = re.compile(
    r'^MissingOutputException in rule (?P<rule>\w+) in file "(?P<source>[^"]*)".*\n'
    r"Job (?P<number>\d+) .*\n"
    r"(?P<files>(?:.+ \(missing.*\n)+)",
    re.MULTILINE,
)
GROUP = re.compile(
    r"^    message: Error in group \S+\n    log: (?P<log>.+)\n    jobs:\n"
    r"(?P<members>(?:        .*\n)+)",
    re.MULTILINE,
)
MEMBER = re.compile(
    r"^(?P<indent>        )rule (?P<rule>\w+):\n(?P<body>(?:            .*\n)+)", re.MULTILINE
)
SHELL = re.compile(
    r"^ *shell:\n(?P<command>.*?)\n *\(command exited with non-zero exit code\)",
    re.MULTILINE | re.DOTALL,
)
_EXIT = re.compile(
    r'^CalledProcessError in file "(?P<source>[^"]*)", line \d+:\n'
    r"Command '(?P<command>.*?)' (?:returned non-zero exit status (?P<status>\d+)"
    r"|died with <Signals\.(?P<signal>\w+): \d+>)\.$",
    re.MULTILINE | re.DOTALL,
)
_SLURM = re.compile(r"SLURM status is: '(?P<state>\w+)'")
# Of a group Snakemake keeps Slurm's word to itself; its line in the job's log, not always the last,
# stands for it.
_STEP = re.compile(
    r"^slurmstepd.*: \*\*\* \w+ \S+ ON \S+ CANCELLED AT \S+(?: DUE TO (?P<cause>.+?))? ?\*\*\*",
    re.MULTILINE,
)
_STATES = {
    "": "CANCELLED",
    "TIME LIMIT": "TIMEOUT",
    "NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS": "NODE_FAIL",
    "PREEMPTION": "PREEMPTED",
}
"""Slurm's state of a job by the cause in that line."""
# What `ptychostudy.runs.submissions` notes, and what Snakemake writes behind it in the same line.
_REFUSED = re.compile(
    r"Slurm did not take this job: (?P<reason>.+?)\. *(?:For further error details .*)?$",
    re.MULTILINE,
)
# A log that Snakemake shows: innermost first, because the log of a cluster job shows logs of its
# own.
_SHOWN = re.compile(
    r"^Logfile (?P<path>.+):\n(?P<bar>=+)\n(?:(?!Logfile .+:\n=).*\n)*?(?P=bar)\n", re.MULTILINE
)
# What `ptychostudy.runs.process` has Snakemake put before each command.
_PREFIX = re.compile(
    r"^set -euo pipefail;( trap '' TERM;)?( export PYTHONPATH=.*?:\$PYTHONPATH\};)?"
    r"( exec >/dev/null;)?\s*"
)
_LOG_HINT = " (check log file(s) for error details)"


@dataclass(frozen=True)
class Log:
    """A log of Snakemake 9.

    Attributes
    ----------
    text : str
        Without the logs of jobs that it shows.
    exits : dict of str to Match
        By its command, what is said of each that failed; those in the shown logs among them.
    words : dict of str to str
        By the path of each shown log, Slurm's last word in it.
    jobs : dict of str to dict
        By its number, the lines below each job that started.
    """

    text: str
    exits: Mapping[str, re.Match[str]]
    words: Mapping[str, str]
    jobs: Mapping[str, Mapping[str, str]]

    def messages(self) -> list[re.Match[str]]:
        """Return the messages about failed jobs in their order."""
        matches = [
            *ERROR.finditer(self.text),
            *MISSING.finditer(self.text),
            *GROUP.finditer(self.text),
        ]
        return sorted(matches, key=re.Match.start)

    def commands(self) -> set[str]:
        """Return the commands that its messages name."""
        return {plain(shell["command"]) for shell in SHELL.finditer(self.text)}

    def finished(self, number: str, place: int) -> bool:
        """Say whether a job ended well after a place in the text."""
        line = rf"^Finished jobid: {number} "
        return re.search(line, self.text[place:], re.MULTILINE) is not None


def read_log(text: str) -> Log:
    """Take a log of Snakemake apart."""
    exits = {plain(match["command"]): match for match in _EXIT.finditer(text)}
    words = {shown["path"]: last_word(shown[0]) for shown in _SHOWN.finditer(text)}
    own = _without_shown(text)
    jobs: dict[str, dict[str, str]] = {}
    for block in _BLOCK.finditer(own):
        values = fields(block)
        jobs.setdefault(values.get("jobid", ""), values)
    return Log(own, exits, words, jobs)


def planned(text: str) -> list[tuple[str, dict[str, str]]]:
    """Return rule and ``key: value`` lines of each job of a dry run, in its order."""
    return [(block["rule"], fields(block)) for block in _BLOCK.finditer(text)]


def _without_shown(text: str) -> str:
    # What a job's own log says has other job numbers: of it only commands and their exit codes
    # count.
    shown = 1
    while shown:
        text, shown = _SHOWN.subn("", text)
    return text


def fields(block: re.Match[str]) -> dict[str, str]:
    """Return the ``key: value`` lines of a block that starts with a rule's name."""
    depth = len(block["indent"]) + 4
    values = {}
    for line in block["body"].splitlines():
        # What is indented further, as a command, is no value of the block.
        if line[depth : depth + 1].strip() and ": " in line[depth:]:
            key, value = line[depth:].split(": ", 1)
            values[key] = value
    return values


def logs_of(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the log files that the lines of a block name."""
    named = values.get("log", "").removesuffix(_LOG_HINT)
    return tuple(path for path in named.split(", ") if path)


def outputs_of(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the output files that the lines of a block name."""
    return tuple(values["output"].split(", ")) if "output" in values else ()


def wildcards_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the wildcards that the lines of a block name."""
    pairs = values.get("wildcards", "").split(", ")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def plain(command: str) -> str:
    """Return a command without what Snakemake puts around it.

    That is its prefix, empty lines, and runs of spaces.
    """
    lines = _PREFIX.sub("", command).splitlines()
    words = [" ".join(line.split()) for line in lines]
    return "\n".join(line for line in words if line)


def is_slurms_word(line: str) -> bool:
    """Say whether a line of a job's log is Slurm's own, on why it ends the job."""
    return _STEP.match(line) is not None


def last_word(log: str) -> str:
    """Return what Slurm wrote into a job's log when it ended the job, or did not take it."""
    refused = _REFUSED.search(log)
    if refused:
        return f"none, Slurm did not take the job: {refused['reason']}"
    step = _STEP.search(log)
    if step is None:
        return NOT_REPORTED
    cause = step["cause"] or ""
    return f"Slurm says {_STATES.get(cause, cause)}"


def status_of(message: str) -> str:
    """Return what a message says of a job that has no exit code here, because Slurm ran it."""
    refused = _REFUSED.search(message)
    if refused:
        return last_word(refused[0])
    status = _SLURM.search(message)
    return f"Slurm says {status['state']}" if status else NOT_REPORTED
