"""Foreign: files of arms that other programs made. No rules."""


def place(wildcards):
    """Return what tells a cell of this seed apart, by name."""
    return {**{key: wildcards[key] for key in names.CELL}, "seed": STUDY.seeds[0]}


def foreign_file(wildcards):
    """Return the file that `arms.extra` names for a cell."""
    return STUDY.arms.files(**place(wildcards))[wildcards.foreign]


def foreign_key(wildcards):
    """Return the key of the array, or nothing where `arms.extra` names none."""
    return [key for key in [STUDY.arms.array_keys(**place(wildcards))[wildcards.foreign]] if key]


def further_products(wildcards):
    """Return the products of a cell that not every study has: of our arms, and what was adopted."""
    return layout.further(STUDY, **place(wildcards))
