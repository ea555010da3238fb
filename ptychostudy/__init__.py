"""How ptychographic reconstruction quality depends on photon dose and scan overlap."""

__version__ = "0.1.0"
