"""The words of filters of the trash."""

from modeldeck.backends.api.query import Attribute, Vocabulary

TRASH = Vocabulary(
    "trash",
    {
        "what": Attribute("choice", ("noun",), ("run", "version", "model")),
        "name": Attribute("text"),
        "id": Attribute("text", ("ref",)),
        "deleted": Attribute("time", ("deleted_at",)),
        "by": Attribute("text", ("user",)),
        "why": Attribute("text", ("reason",)),
        "ticket": Attribute("text"),
        "size": Attribute("number"),
        "goes": Attribute("number"),
        "held": Attribute("text", ("held_by",)),
    },
)
