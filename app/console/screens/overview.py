"""The first screen."""

from .experiments import ExperimentsScreen


class OverviewScreen(ExperimentsScreen):
    """For now, the experiments."""

    crumb = "overview"
