"""Reports: one summary of a study in, its tables and texts out."""
