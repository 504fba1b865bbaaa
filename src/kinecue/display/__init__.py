"""What people look at: the overlay on the picture and the plot of a set."""

from kinecue.display.highlight import highlighted_bones
from kinecue.display.overlay import Overlay, draw_overlay
from kinecue.display.plot import AngleTrace, plot_set

__all__ = ["AngleTrace", "Overlay", "draw_overlay", "highlighted_bones", "plot_set"]
