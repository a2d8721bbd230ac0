"""The README's pictures, taken of the real demo: `python -m tests.screens [REGISTRY]`.

Without a registry it trains the demo first, which takes about a minute.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from modeldeck.app.config.actor import current_actor
from modeldeck.app.config.settings import Settings, read_project
from modeldeck.app.console.console import Console
from modeldeck.app.usecases.demo import make_demo
from modeldeck.app.usecases.session import Session
from modeldeck.backends.local.opening import open_registry
from tests.console.dump import press, settled, typed

SIZE = (112, 30)
FOLDER = Path(__file__).parent.parent / "docs" / "screens"
PICTURES = {
    "overview": ((), ""),
    "runs": ((), ":runs digits"),
    "run": (("down", "enter"), ":runs digits"),
    "compare": (("space", "space", "space", "c"), ":runs digits"),
    "version": (("down", "enter"), ":versions tumour"),
    "plan": (("down", "p"), ":versions tumour"),
}


def main() -> None:
    """Take every picture."""
    if len(sys.argv) > 1:
        asyncio.run(take_all(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take_all(asyncio.run(make_demo(Path(folder) / "demo", print))))


async def take_all(registry: Path) -> None:
    """Write one SVG a picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = read_project(registry.parent.parent)
    for name in PICTURES:
        backend = open_registry(registry)
        session = Session(
            context="demo",
            registry=backend,
            actor=current_actor(),
            directions=dict(found.project.metrics),
            project=found.path,
        )
        try:
            (FOLDER / f"{name}.svg").write_text(await picture(session, name))
        finally:
            await backend.close()
        print(f"docs/screens/{name}.svg")


async def picture(session: Session, name: str) -> str:
    """One screen as SVG, reached with the keys that a person would press."""
    keys, place = PICTURES[name]
    console = Console(session, Settings(theme="textual-dark"), "")
    async with console.run_test(size=SIZE) as pilot:
        await settled(pilot)
        if place:
            await typed(pilot, place)
            await press(pilot, "enter")
        for key in keys:
            await press(pilot, key)
        if name == "plan":
            await typed(pilot, "champion")
            await press(pilot, "enter")
        return console.export_screenshot(title="modeldeck")


if __name__ == "__main__":
    main()
