"""Runs of the workflow and its stages: who is alive, what failed, what is shown or moved aside."""
