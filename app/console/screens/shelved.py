"""A list of things that are deleted and restored: those in use, or those in the trash."""

from typing import ClassVar

from modeldeck.backends.api.runs import Shelf

from .listing import ListScreen


class ShelvedScreen(ListScreen):
    """Says which of the two it shows, and so what can be done to what is chosen."""

    one: ClassVar[str]
    """What it lists, one of them, in words."""
    shelf = Shelf.ACTIVE

    def nothing_chosen(self) -> str:
        """Why nothing can be done to what is chosen; empty when something is."""
        return "" if self.chosen() else f"there is no {self.one} to choose"

    def why_not_delete(self) -> str:
        """Deleted ones are deleted already."""
        if self.shelf == Shelf.DELETED:
            return "these are deleted already; u restores"
        return self.nothing_chosen()

    def why_not_restore(self) -> str:
        """Only deleted ones can be restored."""
        if self.shelf != Shelf.DELETED:
            return f"only deleted {self.one}s can be restored; ctrl+d shows them"
        return self.nothing_chosen()

    def do_shelf(self) -> None:
        """Deleted ones, or those in use."""
        self.shelf = Shelf.DELETED if self.shelf == Shelf.ACTIVE else Shelf.ACTIVE
        self.say("deleted ones" if self.shelf == Shelf.DELETED else "")
        self.ask()
