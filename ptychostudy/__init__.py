"""How ptychographic reconstruction quality depends on photon dose and scan overlap, as one reproducible workflow."""

__version__ = "0.1.0"
