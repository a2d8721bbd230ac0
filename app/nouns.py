"""What can be gone to with `:`, and how each may be spelled."""

NOUNS = {
    "overview": ("ov", "home"),
    "experiments": ("experiment", "exp", "e"),
    "runs": ("run", "r"),
    "models": ("model", "m"),
    "versions": ("version", "v"),
    "history": ("timeline", "h"),
    "inbox": ("in", "waiting"),
    "approvals": ("approval", "ap"),
    "audit": ("events", "event", "au"),
    "trash": ("deleted", "bin"),
    "contexts": ("context", "ctx"),
    "views": ("view",),
    "quit": ("q", "q!", "qa", "exit"),
}
DOORS = ("overview", "inbox", "approvals", "audit", "trash", "contexts")
"""Those that `modeldeck open` takes by their word, beside what has an address."""
