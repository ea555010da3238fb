"""Names of metrics that belong to another one."""


def interval_of(metric: str) -> tuple[str, str]:
    """Return the names of the two metrics between which another one is known.

    Not every metric has them.
    """
    return f"{metric}_low", f"{metric}_high"
