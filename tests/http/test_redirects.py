"""Nobody is followed to another place, and nothing of ours goes there."""

from __future__ import annotations

import pytest

from modeldeck.backends.api.errors import DeniedError, UsageError

from .conftest import Known
from .serving import answer, saying

pytestmark = pytest.mark.real
SECRETS = {"X-Api-Key": "s3cret", "Cookie": "a=s3cret"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
async def test_another_origin_gets_nothing(world, method, status):
    other = await world.server(saying(answer()))
    http, served = await world.pair(
        saying(answer(status=status, location=f"{other.url}/y?token=s3cret")),
        headers=SECRETS,
        credentials=Known("Bearer s3cret"),
    )
    with pytest.raises(UsageError, match=f"sends us to {other.url}") as caught:
        await http.request(method, "/x")
    assert (other.connections, len(served.seen)) == (0, 1)
    assert "s3cret" not in str(caught.value)


async def test_within_the_origin_a_read_is_followed_with_its_credentials(world):
    async def script(request, line):
        step = int(request.target.rpartition("/")[2])
        moved = answer(status=302, location=str(step + 1))
        await line.write(moved if step < 3 else answer("[3]"))

    http, served = await world.pair(script, credentials=Known("Bearer x"), path="/deep")
    assert (await http.request("GET", "/0")).body == b"[3]"
    assert served.targets == ["/deep/0", "/deep/1", "/deep/2", "/deep/3"]
    assert {request.headers["authorization"] for request in served.seen} == {"Bearer x"}
    assert world.time.slept == []


async def test_a_circle_ends(world):
    http, served = await world.pair(saying(answer(status=302, location="/x")))
    with pytest.raises(UsageError, match="in circles"):
        await http.request("GET", "/x")
    assert len(served.seen) == 4


async def test_a_change_is_not_followed_even_at_home(world):
    http, served = await world.pair(saying(answer(status=307, location="/prefix/x?token=s3cret")))
    with pytest.raises(UsageError, match=r"redirects a POST.*/prefix/x the address") as caught:
        await http.request("POST", "/x", body={}, repeatable=True)
    assert len(served.seen) == 1
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        *("/login?next=/x", "/oauth2/start?rd=x", "/accounts/sign_in"),
        *("https://login.example.org/x", "https://sso.example.org/saml?token=s3cret"),
    ],
)
async def test_a_login_page_is_told(world, location):
    http, served = await world.pair(saying(answer(status=302, location=location)))
    with pytest.raises(DeniedError, match="login page") as caught:
        await http.request("GET", "/x")
    assert len(served.seen) == 1
    assert "s3cret" not in str(caught.value)


async def test_lesson_is_no_login(world):
    http, served = await world.pair(
        saying(answer(status=302, location="/lesson/authors"), answer())
    )
    await http.request("GET", "/x")
    assert served.targets == ["/x", "/lesson/authors"]


@pytest.mark.parametrize("headers", [{}, {"location": "http://[::1"}, {"location": "mailto:a@b"}])
async def test_a_redirect_to_nowhere(world, headers):
    http, _ = await world.pair(saying(answer(status=302, **headers)))
    with pytest.raises(UsageError, match="redirects"):
        await http.request("GET", "/x")
