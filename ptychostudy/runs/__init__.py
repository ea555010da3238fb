"""Runs of the workflow and of its stages: who is alive, what failed, what is shown, what is moved aside."""
