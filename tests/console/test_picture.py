from xml.etree import ElementTree as ET

from modeldeck.app.console.screens.text import TextScreen
from tests.console.dump import dump, open_console, settled

LINE = "  @font-face { src: url(x) } <text x=1>  two  blanks"
TEXT = "{http://www.w3.org/2000/svg}text"


async def test_a_picture_fetches_nothing_and_has_no_blanks_at_edges(registry):
    async with open_console(registry) as pilot:
        pilot.app.push_screen(TextScreen("fonts", [LINE, "after"]))
        await settled(pilot)
        assert LINE in dump(pilot.app)
        svg = pilot.app.export_screenshot()
    assert "@font-face" not in svg.partition("</style>")[0]
    texts = ["".join(one.itertext()) for one in ET.fromstring(svg).iter(TEXT)]
    assert any(LINE.strip() in text.replace("\N{NO-BREAK SPACE}", " ") for text in texts)
    assert "after" in texts
    assert all(text == text.strip() and text for text in texts)
