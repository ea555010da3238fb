"""Sampling: which frames train and test, which a view keeps, their groups and their overlap."""
