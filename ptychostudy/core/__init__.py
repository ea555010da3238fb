"""Physics, geometry and metrics: pure functions of arrays. NumPy, SciPy and scikit-image only."""
