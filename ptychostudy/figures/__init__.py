"""Figures: arrays and dicts in, a matplotlib Figure out; no files, no global state.

The only importer of matplotlib.
"""
