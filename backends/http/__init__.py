"""The one careful HTTP client: what every adapter speaks to its server through.

Bounded in time and size, patient with reads, never sends a change twice, follows nobody to another
origin, and keeps a log in which nothing is secret. httpx is imported at the first request.
"""

from .answers import Answer, Explain
from .client import Http
from .disk import Disk
from .safe_json import loads_safe

__all__ = ["Answer", "Disk", "Explain", "Http", "loads_safe"]
