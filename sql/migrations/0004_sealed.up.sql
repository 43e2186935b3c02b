-- What was said can be sealed, under a key of each user. A sealed text is a text that begins with the character 1, so one
-- that begins with it by itself gets it twice. Sealed texts are longer by a third, keyed hashes by a byte.

ALTER TABLE users
ADD COLUMN key bytea,
ADD COLUMN key_name text,
ADD COLUMN sealed boolean NOT NULL DEFAULT false,
ADD CONSTRAINT users_key_has_a_name CHECK ((key IS NULL) = (key_name IS NULL)) NOT VALID,
ADD CONSTRAINT users_sealed_have_a_key CHECK (NOT sealed OR key IS NOT NULL) NOT VALID;

COMMENT ON COLUMN users.key IS 'the key of the user, wrapped by a key of the ring; null: nothing of theirs is sealed';
COMMENT ON COLUMN users.key_name IS 'which key of the ring has wrapped it';
COMMENT ON COLUMN users.sealed IS 'all is sealed, also what was stored before there was a key';

-- Wider limits: no row is looked at or written, and no guarantee is lost that somebody relies on.

ALTER TABLE sessions
-- squawk-ignore changing-column-type
ALTER COLUMN title TYPE varchar(2800),
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT sessions_body_hash_check,
ADD CONSTRAINT sessions_body_hash_check CHECK (octet_length(body_hash) IN (32, 33)) NOT VALID;

ALTER TABLE messages
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT messages_content_check,
-- squawk-ignore ban-drop-constraint
DROP CONSTRAINT messages_body_hash_check,
ADD CONSTRAINT messages_content_check CHECK (octet_length(content) <= 176000) NOT VALID,
ADD CONSTRAINT messages_body_hash_check CHECK (octet_length(body_hash) IN (32, 33)) NOT VALID;

COMMENT ON COLUMN sessions.body_hash IS 'as that of a message, of what it was created with';
COMMENT ON COLUMN messages.body_hash IS
'SHA-256 of the first body, or 1 and its HMAC under a key of the user: outlives edits and deletion';

UPDATE messages SET content = chr(1) || content WHERE starts_with(content, chr(1));
UPDATE sessions SET preview = chr(1) || preview WHERE starts_with(preview, chr(1));
UPDATE turns SET text = chr(1) || text WHERE starts_with(text, chr(1));

-- What instances say to each other is sealed with a secret that they have in common: the oldest here that they can open.

CREATE TABLE deployments (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key      bytea NOT NULL,
    key_name text,
    made_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN deployments.key IS 'the secret, wrapped by a key of the ring unless key_name is null';
