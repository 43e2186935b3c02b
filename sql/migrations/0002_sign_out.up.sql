-- Tokens that are good no more, and the devices that a user has signed in with.

CREATE TABLE revocations (
    subject    bytea NOT NULL CHECK (octet_length(subject) = 32),
    token_id   varchar(255) COLLATE "C" NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    erasing    varchar(255) COLLATE "C",
    PRIMARY KEY (subject, token_id)
);

COMMENT ON COLUMN revocations.subject IS 'SHA-256 of the user''s id: it outlives the user, and does not say who it was';
COMMENT ON COLUMN revocations.token_id IS 'empty: every token that was issued until then';
COMMENT ON COLUMN revocations.erasing IS 'the user''s id while everything of theirs is being deleted; null before and after';
COMMENT ON COLUMN revocations.expires_at IS 'when the token is no longer good anyway; null: not known';

CREATE INDEX revocations_by_time ON revocations (revoked_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
CREATE INDEX revocations_of_erasing ON revocations (revoked_at) WHERE erasing IS NOT NULL;

CREATE TABLE devices (
    user_id       varchar(255) COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    id            varchar(64) COLLATE "C" NOT NULL,
    name          varchar(100) NOT NULL,
    token_id      varchar(255) COLLATE "C",
    expires_at    timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
) PARTITION BY HASH (user_id);

COMMENT ON COLUMN devices.expires_at IS 'of that token';
COMMENT ON COLUMN devices.token_id IS 'of the token that it was last let in by; null: the token had no id';

CREATE TABLE devices_0 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 0) WITH (fillfactor = 80);
CREATE TABLE devices_1 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 1) WITH (fillfactor = 80);
CREATE TABLE devices_2 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 2) WITH (fillfactor = 80);
CREATE TABLE devices_3 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 3) WITH (fillfactor = 80);
CREATE TABLE devices_4 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 4) WITH (fillfactor = 80);
CREATE TABLE devices_5 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 5) WITH (fillfactor = 80);
CREATE TABLE devices_6 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 6) WITH (fillfactor = 80);
CREATE TABLE devices_7 PARTITION OF devices FOR VALUES WITH (MODULUS 8, REMAINDER 7) WITH (fillfactor = 80);
