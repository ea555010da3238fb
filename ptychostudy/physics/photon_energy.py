"""Energy and wavelength of photons."""

# Planck's constant times the speed of light, in eV m (exact in the SI of 2019).
_HC_EV_M = 1.239841984332e-6


def wavelength_m(energy_ev: float) -> float:
    """Return the wavelength of photons of some energy, ``lambda = h c / E``."""
    return _HC_EV_M / energy_ev


def energy_ev(wavelength: float) -> float:
    """Return the energy in eV of photons of some wavelength in metres, ``E = h c / lambda``."""
    return _HC_EV_M / wavelength
