"""Charts of series. Importing it loads neither plotext nor numpy: drawing one does."""

from .chart import Chart
from .grid import ChartGrid
from .model import Line, XKind, YScale
from .plot import Plot

__all__ = ["Chart", "ChartGrid", "Line", "Plot", "XKind", "YScale"]
