-- Version 1. Times are whole seconds since 1970 UTC, money is micro-dollars.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Written once, before Runpod is called.
CREATE TABLE reservation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    tool TEXT NOT NULL,
    request_id TEXT,
    request_hash TEXT NOT NULL,
    request TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    lease_ends_at INTEGER NOT NULL,
    stopped_until INTEGER NOT NULL,
    usd_per_hour INTEGER NOT NULL,
    disk_usd_per_hour INTEGER NOT NULL,
    stopped_usd_per_hour INTEGER NOT NULL,
    gpus INTEGER NOT NULL
) STRICT;

CREATE INDEX reservation_by_request_id ON reservation (principal, request_id) WHERE request_id IS NOT NULL;

-- What happened to it, in order; only ever added to.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    reservation_id TEXT NOT NULL REFERENCES reservation (id),
    kind TEXT NOT NULL CHECK (kind IN (
        'unknown', 'settled', 'voided', 'repriced', 'stopped', 'started', 'extended', 'ended', 'noted'
    )),
    at INTEGER NOT NULL,
    pod_id TEXT,
    usd_per_hour INTEGER,
    gpus INTEGER,
    lease_ends_at INTEGER,
    stopped_until INTEGER,
    stopped_usd_per_hour INTEGER,
    ceiling_usd_per_hour INTEGER,
    note TEXT NOT NULL
) STRICT;

CREATE INDEX entry_by_reservation ON entry (reservation_id);
CREATE INDEX entry_by_pod ON entry (pod_id) WHERE pod_id IS NOT NULL;

-- Derived, so that a budget check reads only what still counts. Without row ids a commit writes fewer pages.
CREATE TABLE holding (
    reservation_id TEXT NOT NULL PRIMARY KEY REFERENCES reservation (id),
    state TEXT NOT NULL CHECK (state IN ('open', 'unknown', 'running', 'stopped')),
    pod_id TEXT UNIQUE
) STRICT, WITHOUT ROWID;

-- Derived: what ended leases cost, by 'day:2026-11-23', 'month:2026-11' and 'total'.
CREATE TABLE spent (
    window_key TEXT NOT NULL PRIMARY KEY,
    usd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Derived: the days on which ended leases cost anything, so that a time long past is found without a walk over all.
CREATE TABLE past (
    day TEXT NOT NULL,
    reservation_id TEXT NOT NULL REFERENCES reservation (id),
    PRIMARY KEY (day, reservation_id)
) STRICT, WITHOUT ROWID;

-- Who is at work that only one process should do, and until when the others leave it alone.
CREATE TABLE claim (
    work TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a person was asked, and each thing that came of it; only ever added to.
CREATE TABLE question (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    tool TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    request TEXT NOT NULL,
    words TEXT NOT NULL,
    usd_per_hour INTEGER NOT NULL,
    usd_at_most INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    good_until INTEGER NOT NULL
) STRICT;

CREATE INDEX question_by_time ON question (good_until);

CREATE TABLE answer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL REFERENCES question (code),
    state TEXT NOT NULL CHECK (state IN ('approved', 'denied', 'used')),
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (code, state)
) STRICT;

-- What was asked, decided and done, each record sealed with the hash of the one before.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    tool TEXT NOT NULL,
    reservation_id TEXT NOT NULL,
    pod_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    previous TEXT NOT NULL,
    seal TEXT NOT NULL
) STRICT;

-- What was made that costs nothing and has no lease; the others are not in it, so it stays small.
CREATE INDEX audit_made ON audit (tool, pod_id) WHERE kind = 'made';

CREATE TRIGGER question_is_not_replaced BEFORE INSERT ON question
WHEN EXISTS (SELECT 1 FROM question WHERE seq = NEW.seq OR code = NEW.code)
BEGIN SELECT RAISE(ABORT, 'a question is never changed'); END;

CREATE TRIGGER question_is_not_changed BEFORE UPDATE ON question
BEGIN SELECT RAISE(ABORT, 'a question is never changed'); END;

CREATE TRIGGER question_is_not_deleted BEFORE DELETE ON question
BEGIN SELECT RAISE(ABORT, 'a question is never changed'); END;

CREATE TRIGGER answer_is_not_replaced BEFORE INSERT ON answer
WHEN EXISTS (SELECT 1 FROM answer WHERE seq = NEW.seq OR (code = NEW.code AND state = NEW.state))
BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;

CREATE TRIGGER answer_is_not_changed BEFORE UPDATE ON answer
BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;

CREATE TRIGGER answer_is_not_deleted BEFORE DELETE ON answer
BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;

CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;

CREATE TRIGGER reservation_is_not_replaced BEFORE INSERT ON reservation
WHEN EXISTS (SELECT 1 FROM reservation WHERE seq = NEW.seq OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a reservation is written once'); END;

CREATE TRIGGER reservation_is_not_changed BEFORE UPDATE ON reservation
BEGIN SELECT RAISE(ABORT, 'a reservation is written once'); END;

CREATE TRIGGER reservation_is_not_deleted BEFORE DELETE ON reservation
BEGIN SELECT RAISE(ABORT, 'a reservation is written once'); END;

CREATE TRIGGER entry_is_not_replaced BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM entry WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;

CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;

CREATE TRIGGER entry_is_not_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;

INSERT INTO meta (key, value) VALUES ('schema_version', 1), ('latest', 0);
