"""The table of the program: windowed rows, a fitted column plan, marks, a cursor that is cheap."""

from .model import Cell, Column, ListSource, Row, Source, Span
from .table import Table

__all__ = ["Cell", "Column", "ListSource", "Row", "Source", "Span", "Table"]
