"""What is told of a machine, a hub and its runs: read only, light, for people and programs."""
