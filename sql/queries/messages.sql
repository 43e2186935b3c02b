-- Messages and replies, always of one user.

-- name: insert_message
INSERT INTO messages (
    user_id, id, session_id, position, type, content, metadata, seq, created_seq, body_hash, words
)
VALUES (
    %(user)s, %(message)s, %(session)s, %(position)s, 'user', %(content)s, %(metadata)s::jsonb, %(seq)s, %(seq)s,
    %(body_hash)s, array_to_tsvector(%(words)s::text [])
)
RETURNING id, session_id, position, type, content, metadata, status, reply_to, created_at, seq, deleted_at;

-- name: insert_reply
INSERT INTO messages (user_id, id, session_id, position, type, content, status, reply_to, seq, created_seq)
VALUES (
    %(user)s, %(message)s, %(session)s, %(position)s, 'assistant', '', 'pending', %(reply_to)s, %(seq)s, %(seq)s
)
RETURNING id, session_id, position, type, content, metadata, status, reply_to, created_at, seq, deleted_at;

-- name: message
-- Tombstones too, but not in a deleted session. Not a join: planned for any user, it would read all their sessions.
SELECT
    m.id, m.session_id, m.position, m.type, m.content, m.metadata, m.status, m.reply_to, m.created_at, m.seq,
    m.deleted_at
FROM messages AS m
WHERE m.user_id = %(user)s
    AND m.id = %(message)s
    AND (SELECT s.deleted_at IS NULL FROM sessions AS s WHERE s.user_id = %(user)s AND s.id = m.session_id);

-- name: receipt
-- What a repeated send is answered, and what it is compared with. A send's reply has the position after it.
SELECT m.session_id, m.id AS message_id, r.id AS reply_id, m.position, m.created_seq, m.body_hash
FROM messages AS m
LEFT JOIN messages AS r
    ON m.user_id = r.user_id AND m.session_id = r.session_id AND r.position = m.position + 1
WHERE m.user_id = %(user)s AND m.id = %(message)s;

-- name: edit_message
UPDATE messages
SET content = %(content)s, words = array_to_tsvector(%(words)s::text []), seq = %(seq)s
WHERE user_id = %(user)s AND id = %(message)s AND deleted_at IS NULL AND type = 'user'
RETURNING id, session_id, position, type, content, metadata, status, reply_to, created_at, seq, deleted_at;

-- name: settle_reply
UPDATE messages
SET content = %(content)s,
    status = %(status)s,
    metadata = %(metadata)s::jsonb,
    words = array_to_tsvector(%(words)s::text []),
    seq = %(seq)s
WHERE user_id = %(user)s AND id = %(message)s AND status = 'pending'
RETURNING id, session_id, position, type, content, metadata, status, reply_to, created_at, seq, deleted_at;

-- name: delete_message
UPDATE messages
SET content = '', metadata = NULL, words = '', deleted_at = now(), seq = %(seq)s
WHERE user_id = %(user)s AND id = %(message)s AND deleted_at IS NULL
RETURNING id, session_id, position, type, content, metadata, status, reply_to, created_at, seq, deleted_at;

-- name: history
-- What a reply is written from: the texts up to the message that it answers, the last first.
SELECT m.id, m.type AS role, m.content, m.metadata ->> 'imageUrl' AS image_url
FROM messages AS m
WHERE m.user_id = %(user)s
    AND m.session_id = %(session)s
    AND m.deleted_at IS NULL
    AND m.content <> ''
    AND m.position <= (
        SELECT asked.position FROM messages AS r
        INNER JOIN messages AS asked ON r.user_id = asked.user_id AND r.reply_to = asked.id
        WHERE r.user_id = %(user)s AND r.id = %(message)s
    )
ORDER BY m.position DESC
LIMIT %(limit)s;
