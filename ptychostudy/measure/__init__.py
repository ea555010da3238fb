"""Measures of a reconstruction, pure functions of arrays.

Gauge, alignment, metrics, correlations and statistics.
"""
