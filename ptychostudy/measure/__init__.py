"""Measures of a reconstruction: gauge, alignment, metrics, correlations and statistics; pure functions of arrays."""
