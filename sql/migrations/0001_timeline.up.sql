-- The timeline of a user, and the sessions, messages and turns that it numbers.
-- Every key begins with user_id: a row is found by its owner or not at all.
-- All but users are partitioned by it; users is not, because the heads of many users are read at once.

CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE users (
    user_id     varchar(255) COLLATE "C" PRIMARY KEY CHECK (user_id <> ''),
    seq         bigint NOT NULL DEFAULT 0 CHECK (seq >= 0),
    horizon     bigint NOT NULL DEFAULT 0,
    incarnation uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (horizon BETWEEN 0 AND seq)
) WITH (fillfactor = 80);

COMMENT ON COLUMN users.seq IS 'the number of the last durable change; taken under the lock of this row';
COMMENT ON COLUMN users.horizon IS 'the highest number of a purged tombstone; a cursor below it needs a snapshot';
COMMENT ON COLUMN users.incarnation IS 'part of the epoch: new when an erased user returns';

CREATE TABLE sessions (
    user_id       varchar(255) COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    id            uuid NOT NULL DEFAULT gen_random_uuid(),
    title         varchar(500) NOT NULL DEFAULT '',
    preview       text,
    language      varchar(10) NOT NULL DEFAULT 'en' CHECK (length(language) >= 2),
    mode          varchar(20) NOT NULL DEFAULT 'fun' CHECK (mode IN ('fun', 'learn')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    message_count integer NOT NULL DEFAULT 0 CHECK (message_count >= 0),
    last_position integer NOT NULL DEFAULT 0,
    read_seq      bigint NOT NULL DEFAULT 0 CHECK (read_seq >= 0),
    seq           bigint NOT NULL CHECK (seq > 0),
    body_hash     bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    words         tsvector NOT NULL DEFAULT '',
    deleted_at    timestamptz,
    PRIMARY KEY (user_id, id),
    CHECK (last_position >= message_count)
) PARTITION BY HASH (user_id);

COMMENT ON COLUMN sessions.title IS 'empty: none was given yet';
COMMENT ON COLUMN sessions.last_position IS 'the position of the last message, deleted ones included';
COMMENT ON COLUMN sessions.body_hash IS 'SHA-256 of what it was created with: the same id with another body is refused';

CREATE INDEX sessions_by_update ON sessions (user_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX sessions_by_seq ON sessions (user_id, seq);
CREATE INDEX sessions_by_word ON sessions USING gin (user_id, words);

CREATE TABLE messages (
    user_id     varchar(255) COLLATE "C" NOT NULL,
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    session_id  uuid NOT NULL,
    position    integer NOT NULL CHECK (position > 0),
    type        varchar(20) NOT NULL CHECK (type IN ('user', 'assistant')),
    content     text NOT NULL CHECK (octet_length(content) <= 131072),
    metadata    jsonb,
    status      varchar(20) CHECK (status IN ('pending', 'complete', 'stopped', 'failed')),
    reply_to    uuid,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seq         bigint NOT NULL CHECK (seq > 0),
    created_seq bigint NOT NULL CHECK (created_seq BETWEEN 1 AND seq),
    body_hash   bytea CHECK (octet_length(body_hash) = 32),
    words       tsvector NOT NULL DEFAULT '',
    deleted_at  timestamptz,
    PRIMARY KEY (user_id, id),
    CONSTRAINT messages_one_per_position UNIQUE (user_id, session_id, position),
    FOREIGN KEY (user_id, session_id) REFERENCES sessions (user_id, id) ON DELETE CASCADE,
    CONSTRAINT messages_of_assistant_are_replies CHECK (
        (type = 'assistant') = (status IS NOT NULL)
        AND (type = 'assistant') = (reply_to IS NOT NULL)
        AND (type = 'user') = (body_hash IS NOT NULL)
    ),
    CONSTRAINT messages_pending_have_no_text CHECK (status IS DISTINCT FROM 'pending' OR content = ''),
    CONSTRAINT messages_deleted_have_nothing CHECK (
        deleted_at IS NULL
        OR (content = '' AND metadata IS NULL AND words = '' AND status IS DISTINCT FROM 'pending')
    )
) PARTITION BY HASH (user_id);

COMMENT ON COLUMN messages.seq IS 'the number of the last change of this row';
COMMENT ON COLUMN messages.created_seq IS 'the number it was added with, which a repeated send is answered';
COMMENT ON COLUMN messages.body_hash IS 'SHA-256 of the first body: outlives edits and deletion';

CREATE INDEX messages_by_seq ON messages (user_id, seq);
CREATE INDEX messages_by_word ON messages USING gin (user_id, words);

CREATE TABLE turns (
    user_id     varchar(255) COLLATE "C" NOT NULL,
    message_id  uuid NOT NULL,
    session_id  uuid NOT NULL,
    position    integer NOT NULL,
    attempt     integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    owner       text,
    lease_until timestamptz NOT NULL DEFAULT now(),
    interrupted integer NOT NULL DEFAULT 0,
    stop        boolean NOT NULL DEFAULT false,
    text        text NOT NULL DEFAULT '',
    chunks      integer NOT NULL DEFAULT 0 CHECK (chunks >= 0),
    PRIMARY KEY (user_id, message_id),
    FOREIGN KEY (user_id, message_id) REFERENCES messages (user_id, id) ON DELETE CASCADE,
    CONSTRAINT turns_owned_are_attempts CHECK (owner IS NULL OR attempt > 0)
) PARTITION BY HASH (user_id);

COMMENT ON TABLE turns IS 'one row per open reply: what is live; deleted when the reply settles';
COMMENT ON COLUMN turns.interrupted IS 'how many owners were lost; one who releases it in good order is not';
COMMENT ON COLUMN turns.attempt IS 'the fencing number: a write that names another attempt finds no row';

CREATE UNIQUE INDEX turns_one_owned_per_session ON turns (user_id, session_id) WHERE owner IS NOT NULL;
CREATE INDEX turns_by_place ON turns (user_id, session_id, position);
CREATE INDEX turns_by_lease ON turns (lease_until);

CREATE TABLE sessions_0 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE sessions_1 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE sessions_2 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE sessions_3 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE sessions_4 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE sessions_5 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE sessions_6 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE sessions_7 PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER 7);

CREATE TABLE messages_0 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE messages_1 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE messages_2 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE messages_3 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE messages_4 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE messages_5 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE messages_6 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE messages_7 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 7);

CREATE TABLE turns_0 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 0) WITH (fillfactor = 50);
CREATE TABLE turns_1 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 1) WITH (fillfactor = 50);
CREATE TABLE turns_2 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 2) WITH (fillfactor = 50);
CREATE TABLE turns_3 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 3) WITH (fillfactor = 50);
CREATE TABLE turns_4 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 4) WITH (fillfactor = 50);
CREATE TABLE turns_5 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 5) WITH (fillfactor = 50);
CREATE TABLE turns_6 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 6) WITH (fillfactor = 50);
CREATE TABLE turns_7 PARTITION OF turns FOR VALUES WITH (MODULUS 8, REMAINDER 7) WITH (fillfactor = 50);
