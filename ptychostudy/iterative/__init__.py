"""The iterative arm: pty-chi behind arrays in, arrays out. The only importer of torch and ptychi."""

from ptychostudy.iterative.solver import reconstruct, simulate_intensities

__all__ = ["reconstruct", "simulate_intensities"]
