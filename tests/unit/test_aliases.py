"""Names of arms that others use: ours whatever joins their words, and nobody else's."""

import pytest

from ptychostudy.study.aliases import canonical, is_ours
from ptychostudy.study.names import ARMS, CONTROLS

WRITTEN = {
    "PtychoPINN": ["pinn", "PINN", "ptychopinn", "ptycho_pinn", "PtychoPINN"],
    "Baseline": ["baseline", "BASELINE", "supervised"],
    "PtyChi": ["ptychi", "pty-chi", "pty_chi", "Pty-Chi", "Pty-chi (pty-chi)"],
    "TV": ["tv", "total-variation", "Total Variation"],
    "PhysicsOnly": ["physics_only"],
}


@pytest.mark.parametrize(("name", "given"), [(name, word) for name, words in WRITTEN.items() for word in words])
def test_ours(name, given):
    assert canonical(given) == name and is_ours(canonical(given))


@pytest.mark.parametrize("given", ["tike", "ePIE", "LSQML", "pinn2", "baseline_old", "", "ptychi-gpu", "Pïnn"])
def test_those_of_others_stay_as_they_are(given):
    assert canonical(given) == given and not is_ours(given)


def test_a_canonical_name_is_its_own():
    assert [canonical(name) for name in (*ARMS, *CONTROLS)] == [*ARMS, *CONTROLS]
