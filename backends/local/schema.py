"""The tables of both files, and the versions of each. Times are microseconds since 1970, UTC.

Text is TEXT exactly as it came. A NaN is NULL in `value`; it and -0.0, which SQLite cannot hold,
have their bits in `nan_bits`. `number` of a parameter or tag is its text read as a number. Lists
show what is not deleted, so the indexes of `run` begin with that: each is then a whole list in its
order, read without the table.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Schema(NamedTuple):
    """One file's marks and the SQL of each of its versions, the first from nothing."""

    name: str
    application_id: int
    page_size: int
    steps: Sequence[str]

    @property
    def version(self) -> int:
        """The newest version, which files are brought to."""
        return len(self.steps)


REGISTRY_1 = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE origin(
    id INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    stamp TEXT, seen_at INTEGER
) STRICT;

CREATE TABLE experiment(
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    created_at INTEGER, updated_at INTEGER, deleted_at INTEGER, note TEXT NOT NULL DEFAULT '',
    origin_id INTEGER REFERENCES origin(id), native_id TEXT,
    UNIQUE(origin_id, native_id)
) STRICT;
CREATE INDEX experiment_name ON experiment(name COLLATE NOCASE);
CREATE TABLE experiment_tag(
    experiment_id INTEGER NOT NULL REFERENCES experiment(id), name TEXT NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY(experiment_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE run(
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiment(id),
    name TEXT NOT NULL, status TEXT NOT NULL,
    started_at INTEGER, ended_at INTEGER, deleted_at INTEGER,
    lasted INTEGER AS (ended_at - started_at) STORED,
    parent_uid TEXT, user TEXT NOT NULL DEFAULT '', reason TEXT, exit_code INTEGER,
    note TEXT NOT NULL DEFAULT '', git TEXT, dirty INTEGER, lock_digest TEXT,
    wall_seconds REAL, cpu_seconds REAL, peak_memory INTEGER,
    origin_id INTEGER REFERENCES origin(id), native_id TEXT,
    UNIQUE(origin_id, native_id)
) STRICT;
CREATE INDEX run_started ON run(deleted_at, started_at);
CREATE INDEX run_experiment ON run(experiment_id, deleted_at, started_at);
CREATE INDEX run_name ON run(deleted_at, name COLLATE NOCASE);
CREATE INDEX run_status ON run(deleted_at, status);
CREATE INDEX run_lasted ON run(deleted_at, lasted);
CREATE INDEX run_parent ON run(parent_uid) WHERE parent_uid IS NOT NULL;

CREATE TABLE key(
    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE(kind, name)
) STRICT;
CREATE TABLE metric(
    run_id INTEGER NOT NULL, key_id INTEGER NOT NULL, value REAL, nan_bits INTEGER,
    step INTEGER NOT NULL, time INTEGER, PRIMARY KEY(run_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_value ON metric(key_id, value, run_id);
CREATE TABLE param(
    run_id INTEGER NOT NULL, key_id INTEGER NOT NULL, value TEXT NOT NULL, number REAL,
    PRIMARY KEY(run_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX param_value ON param(key_id, number, value COLLATE NOCASE, run_id);
CREATE TABLE tag(
    run_id INTEGER NOT NULL, key_id INTEGER NOT NULL, value TEXT NOT NULL, number REAL,
    PRIMARY KEY(run_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_value ON tag(key_id, number, value COLLATE NOCASE, run_id);

CREATE TABLE dataset(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, source_type TEXT NOT NULL,
    source TEXT NOT NULL, schema TEXT, profile TEXT, labels TEXT,
    UNIQUE(name, digest, source_type, source)
) STRICT;
CREATE TABLE run_dataset(
    run_id INTEGER NOT NULL, dataset_id INTEGER NOT NULL, context TEXT NOT NULL,
    PRIMARY KEY(run_id, dataset_id, context)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_dataset_dataset ON run_dataset(dataset_id, run_id);
CREATE TABLE evaluation(
    id INTEGER PRIMARY KEY, run_id INTEGER, model TEXT, version INTEGER, metric TEXT NOT NULL,
    value REAL, nan_bits INTEGER, dataset TEXT NOT NULL, dataset_digest TEXT NOT NULL,
    slice TEXT NOT NULL, n INTEGER, artifact TEXT
) STRICT;
CREATE INDEX evaluation_run ON evaluation(run_id, dataset, dataset_digest, slice, metric);
CREATE INDEX evaluation_model ON evaluation(model, version) WHERE model IS NOT NULL;

CREATE TABLE artifact(
    owner TEXT NOT NULL, path TEXT NOT NULL, size INTEGER, digest TEXT, location TEXT,
    PRIMARY KEY(owner, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_digest ON artifact(digest) WHERE digest IS NOT NULL;
CREATE TABLE lock(digest TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE model(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at INTEGER, updated_at INTEGER,
    deleted_at INTEGER, note TEXT NOT NULL DEFAULT '',
    origin_id INTEGER REFERENCES origin(id), native_id TEXT, UNIQUE(origin_id, native_id)
) STRICT;
CREATE TABLE model_tag(
    model_id INTEGER NOT NULL REFERENCES model(id), name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY(model_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE version(
    id INTEGER PRIMARY KEY, model_id INTEGER NOT NULL REFERENCES model(id),
    number INTEGER NOT NULL, run_uid TEXT, digest TEXT, size INTEGER, format TEXT NOT NULL,
    unsafe TEXT, signature TEXT, source TEXT, status TEXT NOT NULL, stage TEXT, lock_digest TEXT,
    user TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', card TEXT NOT NULL DEFAULT '',
    created_at INTEGER, updated_at INTEGER, deleted_at INTEGER,
    UNIQUE(model_id, number)
) STRICT;
CREATE INDEX version_run ON version(run_uid) WHERE run_uid IS NOT NULL;
CREATE TABLE version_tag(
    version_id INTEGER NOT NULL REFERENCES version(id), name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY(version_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE alias(
    model_id INTEGER NOT NULL REFERENCES model(id), name TEXT NOT NULL, number INTEGER NOT NULL,
    moved_at INTEGER, PRIMARY KEY(model_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit(
    seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, payload_id INTEGER NOT NULL, link BLOB NOT NULL
) STRICT;
CREATE TABLE audit_payload(id INTEGER PRIMARY KEY, salt BLOB, body TEXT) STRICT;
CREATE TABLE audit_index(
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, host TEXT NOT NULL,
    phase TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,
    ticket TEXT NOT NULL
) STRICT;
CREATE INDEX audit_index_subject ON audit_index(subject, seq);
CREATE INDEX audit_index_time ON audit_index(time, seq);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_payload_no_update BEFORE UPDATE ON audit_payload
    WHEN NEW.id <> OLD.id OR NEW.salt IS NOT NULL OR NEW.body IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a payload of the audit trail can only be erased'); END;
CREATE TRIGGER audit_payload_no_delete BEFORE DELETE ON audit_payload
    BEGIN SELECT RAISE(ABORT, 'a payload of the audit trail can only be erased'); END;
CREATE TRIGGER audit_payload_no_replace BEFORE INSERT ON audit_payload
    WHEN EXISTS (SELECT 1 FROM audit_payload WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'a payload of the audit trail can only be erased'); END;
"""

REGISTRY_2 = """
ALTER TABLE audit_index ADD COLUMN caused_by INTEGER;
CREATE INDEX audit_index_cause ON audit_index(caused_by) WHERE caused_by IS NOT NULL;
CREATE INDEX audit_index_intent ON audit_index(subject) WHERE phase = 'intent';
CREATE TABLE seen(
    context TEXT NOT NULL, field TEXT NOT NULL, subject TEXT NOT NULL, value TEXT,
    since INTEGER NOT NULL, looked INTEGER NOT NULL, PRIMARY KEY(context, field, subject)
) STRICT, WITHOUT ROWID;
ALTER TABLE version ADD COLUMN origin_id INTEGER REFERENCES origin(id);
ALTER TABLE version ADD COLUMN native TEXT;
CREATE INDEX version_native ON version(native) WHERE native IS NOT NULL;
"""

REGISTRY_3 = """
CREATE TABLE audit_node(
    level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_signature(
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, signature BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_signature_no_update BEFORE UPDATE ON audit_signature
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_signature_no_delete BEFORE DELETE ON audit_signature
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_signature_no_replace BEFORE INSERT ON audit_signature
    WHEN EXISTS (SELECT 1 FROM audit_signature WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, time INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit trail stay'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit trail stay'); END;
CREATE TRIGGER checkpoint_no_replace BEFORE INSERT ON checkpoint
    WHEN EXISTS (SELECT 1 FROM checkpoint WHERE size = NEW.size)
    BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit trail stay'); END;

CREATE TABLE statement(
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, time INTEGER NOT NULL,
    envelope BLOB NOT NULL, received_at INTEGER NOT NULL, sent_at INTEGER,
    origin TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_subject ON statement(subject, kind, time);
CREATE INDEX statement_time ON statement(time);
CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement
    WHEN (NEW.id, NEW.kind, NEW.subject, NEW.time, NEW.envelope)
        IS NOT (OLD.id, OLD.kind, OLD.subject, OLD.time, OLD.envelope)
    BEGIN SELECT RAISE(ABORT, 'a statement stays as it was signed'); END;
CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement
    BEGIN SELECT RAISE(ABORT, 'a statement stays as it was signed'); END;
CREATE TRIGGER statement_no_replace BEFORE INSERT ON statement
    WHEN EXISTS (
        SELECT 1 FROM statement WHERE id = NEW.id AND (kind, subject, time, envelope)
            IS NOT (NEW.kind, NEW.subject, NEW.time, NEW.envelope)
    )
    BEGIN SELECT RAISE(ABORT, 'a statement stays as it was signed'); END;
"""

REGISTRY_4 = "CREATE INDEX run_ended ON run(deleted_at, ended_at);"

TELEMETRY_1 = """
CREATE TABLE series(
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL,
    first_step INTEGER NOT NULL, last_step INTEGER NOT NULL,
    first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
    low REAL, high REAL, total REAL NOT NULL, finite INTEGER NOT NULL,
    latest_step INTEGER NOT NULL, latest_time INTEGER NOT NULL, latest_bits INTEGER NOT NULL,
    UNIQUE(run, key)
) STRICT;
CREATE TABLE hot(
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, count INTEGER NOT NULL, points BLOB NOT NULL
) STRICT;
CREATE INDEX hot_run ON hot(run);
CREATE TABLE chunk(
    id INTEGER PRIMARY KEY, series_id INTEGER NOT NULL, count INTEGER NOT NULL,
    first_step INTEGER NOT NULL, last_step INTEGER NOT NULL,
    first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
    low REAL, high REAL, total REAL NOT NULL, finite INTEGER NOT NULL, last_bits INTEGER NOT NULL,
    points BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_series ON chunk(series_id, last_time, first_time);
CREATE TABLE position(
    run TEXT NOT NULL, file TEXT NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY(run, file)
) STRICT, WITHOUT ROWID;
CREATE TABLE loaded(run TEXT PRIMARY KEY, stamp TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

TELEMETRY_2 = """
ALTER TABLE chunk ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
DROP INDEX chunk_series;
CREATE INDEX chunk_step ON chunk(series_id, level, last_step, first_step, count);
CREATE INDEX chunk_time ON chunk(series_id, level, last_time, first_time, count);
CREATE TABLE summary(
    series_id INTEGER NOT NULL, level INTEGER NOT NULL, upto INTEGER NOT NULL,
    PRIMARY KEY(series_id, level)
) STRICT, WITHOUT ROWID;
"""

REGISTRY = Schema("registry", 0x6D64636B, 4096, (REGISTRY_1, REGISTRY_2, REGISTRY_3, REGISTRY_4))
TELEMETRY = Schema("telemetry", 0x6D64746C, 16384, (TELEMETRY_1, TELEMETRY_2))


def newer(version: int, schema: Schema) -> str:
    """What is wrong with a file of a later version."""
    return f"was written by a newer modeldeck (schema {version}, this one knows {schema.version})"
