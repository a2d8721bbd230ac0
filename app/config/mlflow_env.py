"""MLflow's own environment as a context: where `mlflow` works, bare `modeldeck` works."""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Struct

from modeldeck.backends.api.errors import UsageError

from .contexts import Context, Slot, check_url
from .secrets import Secret

URI = "MLFLOW_TRACKING_URI"
_PLUGINS = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")
_USER, _PASSWORD, _TOKEN = (f"MLFLOW_TRACKING_{name}" for name in ("USERNAME", "PASSWORD", "TOKEN"))


class Named(Struct, frozen=True, kw_only=True):
    """What the environment names: the context, the secret if there is one, and where it stands."""

    context: Context
    credentials: "Given"


class Given:
    """Credentials that the environment gives; none are looked for elsewhere."""

    def __init__(self, secret: Secret | None, where: str) -> None:
        self._secret = secret
        self._where = where

    def __repr__(self) -> str:
        return f"<Given {self._where}>"

    async def header(self, *, refresh: bool = False) -> str | None:
        """The value of `Authorization`."""
        return None if self._secret is None else self._secret.header

    def describe(self) -> str:
        """Where they come from."""
        return self._where


def names_server(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the tracking URI is that of a server that we can reach."""
    return environ.get(URI, "").lower().startswith(("http://", "https://"))


def read_environment(environ: Mapping[str, str] = os.environ) -> Named:
    """The context that it makes; UsageError, which shows no URI, where it makes none."""
    uri = environ.get(URI, "")
    if not uri:
        raise UsageError(f"{URI} is not set", where="context env", way_out="Set it, as for mlflow")
    url, told = _apart(uri)
    registry = environ.get("MLFLOW_REGISTRY_URI", "")
    if registry and registry != uri and not _is_same(registry, url):
        raise UsageError(
            f"names another server than {URI}, and one context has one registry",
            where="MLFLOW_REGISTRY_URI",
            way_out="Unset it, or add a context for each server: `modeldeck context add`",
        )
    for name in _PLUGINS:
        if environ.get(name, "").lower() not in {"", "false", "0"}:
            raise UsageError(
                "is done by a plug-in of the mlflow package, which is not used here",
                where=name,
                way_out="Add a context with a credential command: `modeldeck context add`",
            )
    insecure = _flag(environ, "MLFLOW_TRACKING_INSECURE_TLS")
    bundle = environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH", "")
    if insecure and bundle:
        raise UsageError(
            "and MLFLOW_TRACKING_SERVER_CERT_PATH cannot both be set",
            where="MLFLOW_TRACKING_INSECURE_TLS",
            way_out="Unset one of them",
        )
    if not insecure:
        # mlflow's own client reads these too.
        bundle = bundle or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or ""
    secret, where = (told, URI) if told else _secret(environ)
    slot = Slot(
        type="mlflow",
        url=url,
        workspace=environ.get("MLFLOW_WORKSPACE", ""),
        auth="none" if secret is None else "basic" if secret.user else "token",
        user="" if secret is None else secret.user,
        ca_file=bundle,
        client_cert=environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH", ""),
        verify=not insecure,
    )
    return Named(context=Context(registry=slot), credentials=Given(secret, where))


def _apart(uri: str) -> tuple[str, Secret | None]:
    """The URL without what is before its @, and that as a secret."""
    try:
        parts = urlsplit(uri)
        told, at, host = parts.netloc.rpartition("@")
        url = urlunsplit(parts._replace(netloc=host))
        check_url(url)
    except ValueError:
        raise UsageError("is no URL", where=URI) from None
    except UsageError as error:
        raise UsageError(error.what, where=URI, way_out=error.way_out) from None
    user, _, word = told.partition(":")
    if not (at and user and word):
        return url, None
    return url, Secret(unquote(word), unquote(user))


def _is_same(uri: str, url: str) -> bool:
    try:
        return _apart(uri)[0].rstrip("/") == url.rstrip("/")
    except UsageError:
        return False


def _secret(environ: Mapping[str, str]) -> tuple[Secret | None, str]:
    path, kept = _credentials_file(environ)
    user = environ.get(_USER) or kept.get(_USER.lower(), "")
    word = environ.get(_PASSWORD) or kept.get(_PASSWORD.lower(), "")
    if user and word:
        return Secret(word, user), _PASSWORD if environ.get(_PASSWORD) else f"file {path}"
    token = environ.get(_TOKEN, "")
    return (Secret(token), _TOKEN) if token else (None, "none")


def credentials_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where mlflow's own client keeps user and password."""
    return Path(environ.get("HOME") or Path.home()) / ".mlflow" / "credentials"


def _credentials_file(environ: Mapping[str, str]) -> tuple[Path, Mapping[str, str]]:
    path = credentials_file(environ)
    parser = configparser.ConfigParser()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return path, {}
    except (OSError, UnicodeDecodeError):
        raise UsageError("cannot be read", where=str(path)) from None
    try:
        parser.read_string(text)
        found = dict(parser["mlflow"]) if "mlflow" in parser else {}
    except configparser.Error:
        # Its own words hold lines of the file.
        raise UsageError(
            "is not as mlflow writes it", where=str(path), way_out="It begins with [mlflow]"
        ) from None
    return path, found


def _flag(environ: Mapping[str, str], name: str) -> bool:
    word = environ.get(name, "").lower()
    if word not in {"", "true", "false", "1", "0"}:
        raise UsageError("is neither true nor false", where=name)
    return word in {"true", "1"}
