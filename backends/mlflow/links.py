"""Where MLflow's own web pages show a thing."""

from urllib.parse import quote

from ..api.address import parse_address
from ..api.errors import UsageError


def link(base: str, address: str, experiment: str = "", workspace: str = "") -> str | None:
    """The link of an address; `experiment` is the id of a run's own. None where there is none."""
    try:
        parts = parse_address(address)
    except UsageError:
        return None
    ask = f"?workspace={quote(workspace, safe='')}" if workspace else ""
    name = quote(parts.name, safe="")
    page = {"experiments": "experiments", "runs": "experiments", "models": "models"}.get(parts.noun)
    if page is None:
        return None
    if parts.noun == "runs" and name:
        # The page of a run is found by its own id, whatever experiment stands before it.
        page = f"experiments/{quote(experiment, safe='') or '0'}/runs/{name}"
    elif parts.version is not None:
        page = f"models/{name}/versions/{parts.version}"
    elif name:
        page = f"{page}/{name}"
    return f"{base.rstrip('/')}/#/{page}{ask}"
