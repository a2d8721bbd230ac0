"""Which addresses are asked, and what of them is shown."""

from __future__ import annotations

import pytest

from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.http import Http
from modeldeck.backends.http.addresses import followed, joined, shown


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("ftp://host", "only http"),
        ("file:///etc/passwd", "only http"),
        ("mlflow.example.org:5000", "only http"),
        ("", "only http"),
        ("http://", "no address"),
        ("http:///path", "no address"),
        ("http://host:port", "no address"),
        ("http://host:99999", "no address"),
        ("http://[::1", "no address"),
        ("http://a b", "no address"),
        ("http://host\\evil", "no address"),
        ("http://host/a b", "no address"),
        ("http://host/#/experiments/1", "what follows"),
        ("http://host/?workspace=a", "what follows"),
        ("http://169.254.169.254/latest", "link-local"),
        ("http://[fe80::1]/", "link-local"),
    ],
)
def test_what_is_no_servers_address(base, message):
    with pytest.raises(UsageError, match=message):
        Http(base)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(UsageError, match="modeldeck login") as caught:
        Http("https://alice:s3cret@host/x")
    assert "s3cret" not in str(caught.value) + repr(caught.value)
    assert caught.value.where == "https://host/x"


def test_a_client_is_shown_by_its_address():
    assert repr(Http("https://host/prefix/")) == "Http('https://host/prefix')"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a:b@h/p?x=1#frag", "https://h/p?x=1"),
        ("https://a@b:c@h/p@q", "https://h/p@q"),
        ("http://h/p?token=abc&run_id=1", "http://h/p?token=***&run_id=1"),
        ("http://h/p?X-Amz-Signature=a&X-Amz-Credential=b&sig=c", None),
        ("http://h/p?API_KEY=a&password=b&client_secret=c&%74oken=d&page_token=e", None),
        ("http://h/p?metric_key=auc&key=v", "http://h/p?metric_key=auc&key=***"),
        ("http://h/p?token=", "http://h/p?token="),
        ("http://h/p?flag&x=a=b", "http://h/p?flag&x=a=b"),
        ("/relative?token=a", "/relative?token=***"),
    ],
)
def test_what_is_shown_of_an_address(url, safe):
    if safe is None:
        head, _, query = url.partition("?")
        safe = head + "?" + "&".join(f"{pair.partition('=')[0]}=***" for pair in query.split("&"))
    assert shown(url) == safe


@pytest.mark.parametrize(
    "path",
    [
        *("x", "", "//host/x", "http://evil/x", "/a/../b", "/%2e%2E/b", "/a/./b", "/.."),
        *("/a?b", "/a#b", "/a b", "/a\\b", "/a\nb", "/ü"),
    ],
)
def test_paths_that_are_not_asked_for(path):
    with pytest.raises(UsageError):
        joined("http://host/prefix", path, None)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/y", "http://host:5000/y"),
        ("y?a=b#c", "http://host:5000/p/y?a=b"),
        ("http://host:5000/y", "http://host:5000/y"),
        ("HTTP://HOST:5000", "http://host:5000/"),
        ("//host:5000/y", "http://host:5000/y"),
        ("https://host:5000/y", None),
        ("http://host/y", None),
        ("http://host:5001/y", None),
        ("//evil/y", None),
        ("http://evil\\@host:5000/", None),
        ("http://evil@host:5000/", None),
        ("http://host:5000@evil/", None),
        ("http://host:5000\\.evil/", None),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
        ("http://[::1", None),
        ("http://169.254.169.254/", None),
    ],
)
def test_redirects_stay_within_the_origin(location, target):
    assert followed("http://host:5000/p/x", location) == target
