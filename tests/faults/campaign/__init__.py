"""The fault campaign: a small study disturbed in every way that faults.md of the documentation lists."""
