"""Scans written for other programs, one module a format; imports none of them."""
