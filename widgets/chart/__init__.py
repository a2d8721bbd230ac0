"""A chart of series. Importing it loads neither plotext nor numpy: drawing one does."""

from .chart import Chart
from .model import Line, XKind, YScale

__all__ = ["Chart", "Line", "XKind", "YScale"]
