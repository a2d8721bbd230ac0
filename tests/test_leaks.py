import base64
import json

from tests.leaks import leaks, secrets_of


def test_a_secret_is_found_wherever_it_stands_but_where_it_was_asked_for(tmp_path):
    servers, left = tmp_path / "servers", tmp_path / "left"
    for folder in (servers, left / "deep", left / "credentials"):
        folder.mkdir(parents=True)
    (servers / "3-postgres.made").write_text(json.dumps({"user": "admin", "password": "pa55"}))
    (servers / "3.made").write_text(json.dumps({"user": "", "password": ""}))
    (servers / "plain.made").write_text("5000 17 /folder")
    (servers / "other.made").write_text("5000")
    header = base64.b64encode(b"admin:pa55")
    (left / "deep" / "log").write_bytes(b"x" * 5000 + b"Authorization: Basic " + header)
    (left / "plain").write_bytes(b"pa55")
    (left / "empty").touch()
    (left / "other").write_bytes(b"pa5")
    (left / "credentials" / "prod").write_bytes(b"pa55")
    secrets = secrets_of(servers)
    assert secrets == [b"pa55", header]
    assert sorted(leaks(left, secrets)) == [left / "deep" / "log", left / "plain"]
