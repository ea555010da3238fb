"""The checks of the verification, one file a family."""
