-- What is sealed stays sealed, and is of no use without its keys: so nothing is taken back while something is.

DO $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE key IS NOT NULL) THEN
        RAISE EXCEPTION 'some users have a key: what is sealed under it could never be opened again';
    END IF;
END $$;

DROP TABLE deployments;

UPDATE messages SET content = substr(content, 2) WHERE starts_with(content, chr(1));
UPDATE sessions SET preview = substr(preview, 2) WHERE starts_with(preview, chr(1));
UPDATE turns SET text = substr(text, 2) WHERE starts_with(text, chr(1));

COMMENT ON COLUMN sessions.body_hash IS 'SHA-256 of what it was created with: the same id with another body is refused';
COMMENT ON COLUMN messages.body_hash IS 'SHA-256 of the first body: outlives edits and deletion';

ALTER TABLE messages
DROP CONSTRAINT messages_content_check,
DROP CONSTRAINT messages_body_hash_check,
ADD CONSTRAINT messages_content_check CHECK (octet_length(content) <= 131072),
ADD CONSTRAINT messages_body_hash_check CHECK (octet_length(body_hash) = 32);

ALTER TABLE sessions
DROP CONSTRAINT sessions_body_hash_check,
ADD CONSTRAINT sessions_body_hash_check CHECK (octet_length(body_hash) = 32),
ALTER COLUMN title TYPE varchar(500);

ALTER TABLE users DROP COLUMN sealed, DROP COLUMN key_name, DROP COLUMN key;
