"""Sampling: which frames train and test, which a view keeps, how they are grouped and how much they overlap."""
