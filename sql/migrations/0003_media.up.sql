-- Pictures and sounds: what they are and whose. Their bytes lie elsewhere, under names made of the same two keys.

CREATE TABLE media (
    user_id         varchar(255) COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    state           varchar(20) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ready')),
    type            varchar(40) NOT NULL CHECK (type LIKE 'image/%' OR type LIKE 'audio/%'),
    size            integer NOT NULL CHECK (size > 0),
    thumbnail_size  integer CHECK (thumbnail_size > 0),
    view_size       integer CHECK (view_size > 0),
    width           integer CHECK (width > 0),
    height          integer CHECK (height > 0),
    seconds         double precision CHECK (seconds > 0),
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    body_hash       bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    sealed          boolean NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CONSTRAINT media_are_seen_or_heard CHECK (
        (type LIKE 'image/%') = (width IS NOT NULL)
        AND (type LIKE 'image/%') = (height IS NOT NULL)
        AND (type LIKE 'image/%') = (thumbnail_size IS NOT NULL)
        AND (type LIKE 'image/%') = (view_size IS NOT NULL)
        AND (type LIKE 'audio/%') = (seconds IS NOT NULL)
    )
) PARTITION BY HASH (user_id);

COMMENT ON COLUMN media.state IS 'pending: its bytes are on their way, or were when the process died';
COMMENT ON COLUMN media.sha256 IS 'of the bytes that are kept: a picture is written anew';
COMMENT ON COLUMN media.sealed IS 'its bytes are, under the key of the user';
COMMENT ON COLUMN media.body_hash IS 'of the bytes that came: the same id with others is refused';

CREATE INDEX media_by_age ON media (user_id, created_at DESC, id DESC) WHERE state = 'ready';
CREATE INDEX media_by_id ON media (id);

CREATE TABLE media_0 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE media_1 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE media_2 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE media_3 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE media_4 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE media_5 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE media_6 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE media_7 PARTITION OF media FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- Which message names a file; few do, so that each is made quickly. A partitioned table knows no concurrent way.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX messages_by_image ON messages (user_id, (metadata ->> 'imageUrl')) WHERE metadata ? 'imageUrl';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX messages_by_audio ON messages (user_id, (metadata ->> 'audioUrl')) WHERE metadata ? 'audioUrl';
