"""Maximum likelihood on the canvas of a whole scan, with a prior or without; NumPy alone."""
