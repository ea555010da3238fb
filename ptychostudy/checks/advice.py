"""What to look at and what to change where a check failed: one sentence each, for its reader."""

MANIFEST = (
    "Look at the log of `compare` of the cell that is named (logs/); once its cause is mended, "
    "`snakemake --forcerun compare` makes the comparisons and all that follows anew."
)
SUMMARY = (
    "A cell or the summary was changed after the run: `snakemake --forcerun summarize` makes the "
    "summary anew from the cells; if it fails again, `ptychostudy explain` the cell's table."
)
SUMMARY_TEXT = (
    "The text was edited or is of another summary: `snakemake --forcerun summarize` writes it "
    "anew; put notes of your own into a file beside it."
)
AGGREGATE = (
    "The text was edited or is of another summary: `snakemake --forcerun summarize` writes it "
    "anew from metrics_summary.json."
)
DIGEST = (
    "The digest was edited or is of another summary: `snakemake --forcerun summarize` writes it "
    "anew; its limit is the key `summarize.ms_ssim_threshold`."
)
COMPLIANCE = (
    "The frames of that dose lack what the package writes: delete the file that is named and run "
    "Snakemake, or `snakemake --forcerun simulate` for all doses; networks train anew."
)
DELTA = (
    "The differences were changed or are of another summary: `snakemake --forcerun summarize` "
    "works them out anew."
)
HIGHLIGHTS = (
    "Highlights and differences are of different runs: `snakemake --forcerun summarize` writes "
    "both; check_dense_highlights.log says which number differs."
)
GRID = (
    "The grid's text was edited or is of other differences: `snakemake --forcerun grid` draws and "
    "writes it anew."
)
OUTCOMES = (
    "A training or a solver failed or stopped early: its reason is in training.json, manifest.json "
    "or status.json, its last lines in logs/; a loss that is not finite asks for a smaller "
    "`train.*.learning_rate`."
)
INVENTORY = (
    "A file was changed after the run: `ptychostudy explain FILE` says what made it; delete it, "
    "and Snakemake makes it anew, or `snakemake --forcerun inventory` if the change was meant."
)
DOSES = (
    "The counts are not of the dose that is asked: compare `simulate.doses` with the photons a "
    "frame of the scan (`ptychostudy inspect`), for a user's scan its `base.npz.gain` and mask, "
    "then `snakemake --forcerun simulate`."
)
RATIOS = (
    "Two doses do not differ as they should: one of their files is of another study or was "
    "scaled; `snakemake --forcerun simulate` makes them from one base.npz."
)
OVERLAP = (
    "Positions or overlap metrics were changed: `snakemake --forcerun overlap` works them out from "
    "the frames; the key is `overlap.views`."
)
DISJOINT = (
    "Training and test see the same part of the object: raise `split.guard_px` to the width "
    "of the bright part of the probe, or leave it out (null), which takes it from the probe."
)
METRICS = (
    "The table is not of these fields: `snakemake --forcerun compare` scores them anew; if it "
    "fails again, compare the versions of SciPy and scikit-image with constraints.txt "
    "(`ptychostudy doctor`)."
)
ARMS = (
    "An arm has no field, or one that is not finite or constant: its reason is in status.json of "
    "the cell, its course in history.csv; try a smaller `train.*.learning_rate` or more frames."
)
COVERAGE = (
    "Too little of the scanned area is reconstructed: look at comparison_plot.png, widen "
    "`infer.window_px` or take a denser view (`overlap.views`); `verify.min_coverage` is the bound."
)
SHIFTS = (
    "An arm lies beside the truth: look at comparison_plot.png; with a user's scan ask "
    "`ptychostudy inspect` for units, signs and order of the axes; `verify.max_shift_px` is the "
    "bound, `compare.register_arms` says who is registered."
)
BUNDLES = (
    "A network is not the one its training recorded: delete wts.h5.zip that is named and run "
    "Snakemake, which trains it anew."
)
PRODUCTS = (
    "A reconstruction is not the one its manifest.json names: `snakemake --forcerun reconstruct` "
    "makes both anew."
)
FOREIGN = (
    "A file of another program was changed, moved or taken away after the run: put it back where "
    "`arms.extra` says, or run Snakemake, which adopts what is there now and compares anew."
)
HYBRID = (
    "Hybrid is not of the canvas or the run that are there: `snakemake --forcerun hybrid` makes it "
    "anew; `reconstruct.start` says which network it starts from."
)
