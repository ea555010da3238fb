"""Figures as SVG: lines and letters that stay sharp at any size, the same bytes each time."""

import io

from matplotlib import rc_context
from matplotlib.figure import Figure

# Left alone, matplotlib would write the date and its own version.
_UNSAID = {"Date": None, "Creator": None}


def svg_text(figure: Figure) -> str:
    """Return a figure as the text of an SVG file; letters are outlines, no font is needed."""
    drawn = io.StringIO()
    # Left alone, it names parts by chance.
    with rc_context({"svg.hashsalt": "ptychostudy", "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", metadata=_UNSAID)
    return drawn.getvalue()
