"""Networks: what their trainings and shards read. No rules."""


def training_doses(wildcards):
    """Return the doses a network learns from: its own, or all."""
    return DOSES if wildcards.dose == "all" else [int(wildcards.dose)]


def training_scans(wildcards):
    """Return the frames a network learns from."""
    return expand(layout.FRAMES, dose=training_doses(wildcards), split=names.TRAINING_SPLIT)


def own_views(wildcards):
    """Return the views of the doses a Baseline learns from."""
    own = [view for dose, view in STUDY.pairs if dose in training_doses(wildcards)]
    return list(dict.fromkeys(own))


def baseline_views(wildcards):
    """Return the views of which a Baseline of canvases sees the frames; others see each frame alone."""
    if not STUDY.train.of_canvas(names.BASELINE):
        return []
    return expand(layout.VIEW, view=own_views(wildcards), split=names.TRAINING_SPLIT)


def estimate(wildcards):
    """Return what a network of canvases changes: the likelihood's object of the cell."""
    return [layout.SMOOTHED] if STUDY.train.of_canvas(wildcards.network) else []


def training_estimates(network):
    """Return the function of wildcards that names what a network of canvases need not make anew."""

    def estimates(wildcards):
        if not STUDY.train.of_canvas(network):
            return []
        views = own_views(wildcards) if network == names.BASELINE else [wildcards.view]
        doses = training_doses(wildcards)
        # Of all or of none: what is no cell of the study would be made for this alone, and nobody would see it.
        if not {(dose, view) for dose in doses for view in views} <= set(map(tuple, STUDY.pairs)):
            return []
        return expand(layout.SMOOTHED, dose=doses, view=views, split=names.TRAINING_SPLIT)

    return estimates


def training_labels(wildcards):
    """Return the reconstructions a supervised Baseline learns from, if not from the truth."""
    if STUDY.train.baseline.labels == "truth":
        return []
    return [layout.labels(STUDY, dose) for dose in training_doses(wildcards)]


def trainings(name):
    """Return one of the files of every training of the first seed."""
    bundles = [layout.bundles(STUDY, *pair) for pair in STUDY.pairs]
    every = dict.fromkeys(bundle for of_pair in bundles for bundle in of_pair.values())
    return [bundle.replace(layout.BUNDLE, name) for bundle in every]


def bundle(wildcards):
    """Return the bundle of a network for the cell's dose and view."""
    return layout.bundles(STUDY, wildcards.dose, wildcards.view)[wildcards.network]


def of_shards(path):
    """Return an input function: a path of each shard of an arm, as many as this run scatters."""

    def of(wildcards):
        # The untrained control has PtychoPINN's form: both are computed at once.
        network = names.PINN if wildcards.arm == names.UNTRAINED else wildcards.arm
        return gather.shards(path, network=network, allow_missing=True)

    return of


def of_parity(path):
    """Return a path for the first dose and view, test split."""
    dose, view = STUDY.pairs[0]
    return path.format(dose=dose, view=view, split=names.TEST_SPLIT)


def parity_bundle(wildcards):
    """Return PtychoPINN's bundle."""
    return layout.bundles(STUDY, *STUDY.pairs[0])[names.PINN]


def parity_estimate(wildcards):
    """Return what a network of canvases changes."""
    return [of_parity(layout.SMOOTHED)] if STUDY.train.of_canvas(names.PINN) else []


def arm_file(wildcards):
    """Return the product of the arm that is to be exported."""
    solved = {
        names.PTYCHI: layout.PRODUCT,
        names.TV: layout.SMOOTHED,
        arm_names.HYBRID: layout.HYBRID,
    }
    return solved.get(wildcards.arm, layout.CANVAS)
