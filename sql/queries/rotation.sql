-- Sealing what was stored before there was a key: of one user, under their lock, a few rows at a time in the order of
-- their ids. Nothing gets a number, as nothing changes that a device sees. A stored text is sealed if it begins with the
-- character 1, once.

-- name: set_key
UPDATE users SET key = %(key)s, key_name = %(key_name)s WHERE user_id = %(user)s;

-- name: mark_sealed
UPDATE users SET sealed = true WHERE user_id = %(user)s;

-- name: unsealed_messages
SELECT id, content, body_hash FROM messages
WHERE user_id = %(user)s
    AND id > %(after)s
    AND (octet_length(body_hash) = 32 OR (content <> '' AND content !~ '^\x01[^\x01]'))
ORDER BY id LIMIT %(limit)s;

-- name: seal_message
UPDATE messages
SET content = %(content)s, words = array_to_tsvector(%(words)s::text []), body_hash = %(body_hash)s
WHERE user_id = %(user)s AND id = %(id)s;

-- name: unsealed_sessions
SELECT id, title, preview, body_hash FROM sessions
WHERE user_id = %(user)s
    AND id > %(after)s
    AND (
        octet_length(body_hash) = 32
        OR (title <> '' AND title !~ '^\x01[^\x01]')
        OR (preview <> '' AND preview !~ '^\x01[^\x01]')
    )
ORDER BY id LIMIT %(limit)s;

-- name: seal_session
UPDATE sessions
SET title = %(title)s,
    preview = %(preview)s,
    words = array_to_tsvector(%(words)s::text []),
    body_hash = %(body_hash)s
WHERE user_id = %(user)s AND id = %(id)s;

-- name: unsealed_turns
SELECT message_id AS id, text FROM turns
WHERE user_id = %(user)s AND message_id > %(after)s AND text <> '' AND text !~ '^\x01[^\x01]'
ORDER BY message_id LIMIT %(limit)s;

-- name: seal_turn
-- Unless more of it was saved meanwhile.
UPDATE turns SET text = %(text)s
WHERE user_id = %(user)s AND message_id = %(id)s AND text = %(former)s;
