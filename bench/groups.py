"""The groups of rows, in the order of the table: each a module of this folder, measured in a process of its own."""

GROUPS = {
    "products": ("Matrix products", "What the machine multiplies, for comparison."),
    "simulate": ("Simulated frames", "One thread, a dose of 1e5 photons a frame."),
    "thin": ("Thinned frames", "One thread, frames of 1e5 photons."),
    "likelihood": ("Likelihood and its slope", "One thread; libraries of transforms and of the steps between them."),
    "overlap": ("Overlap", "One thread; positions in rows, shuffled or at random."),
    "stitch": ("Stitching", "One thread."),
    "score": ("Score", "One thread."),
    "canvas_speed": ("From frames to a canvas, a step of training", "The default network; wall time."),
    "canvas_step": ("The network of canvases alone", "One thread."),
    "precision": ("The ancestor's form in bfloat16", "One thread; with stitching."),
    "solver": ("pty-chi", "One thread."),
    "jobs": ("Jobs of the quick study", "Dense view at 1e3 photons, each job done again as a process of its own."),
    "imports": ("Import of each stage", "A process each."),
    "dry_run": ("Start of Snakemake", "All processes of a dry run."),
    "memory": ("Memory", "Largest resident size of a stage."),
}
