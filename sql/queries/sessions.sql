-- Sessions, always of one user.

-- name: insert_session
INSERT INTO sessions (user_id, id, title, language, mode, seq, body_hash, words)
VALUES (
    %(user)s, %(session)s, %(title)s, %(language)s, %(mode)s, %(seq)s, %(body_hash)s,
    array_to_tsvector(%(words)s::text [])
)
RETURNING id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at;

-- name: session
-- Tombstones too.
SELECT id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at
FROM sessions
WHERE user_id = %(user)s AND id = %(session)s;

-- name: session_body
SELECT body_hash FROM sessions WHERE user_id = %(user)s AND id = %(session)s;

-- name: update_session
-- What is NULL stays. `words` goes with the title.
UPDATE sessions
SET title = coalesce(%(title)s, title),
    words = CASE WHEN %(title)s::text IS NULL THEN words ELSE array_to_tsvector(%(words)s::text []) END,
    mode = coalesce(%(mode)s, mode),
    language = coalesce(%(language)s, language),
    updated_at = greatest(updated_at, clock_timestamp()),
    seq = %(seq)s
WHERE user_id = %(user)s AND id = %(session)s
RETURNING id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at;

-- name: touch_session
-- After its messages have changed. The preview is given with the position of the message whose beginning it is; one that
-- is of a later message stays.
UPDATE sessions AS s
SET message_count = s.message_count + %(more)s,
    last_position = s.last_position + %(positions)s,
    preview = CASE
        WHEN EXISTS (
            SELECT FROM messages AS m
            WHERE m.user_id = s.user_id
                AND m.session_id = s.id
                AND m.content <> ''
                AND m.deleted_at IS NULL
                AND m.position > %(position)s
        ) THEN s.preview
        ELSE %(preview)s
    END,
    updated_at = greatest(s.updated_at, clock_timestamp()),
    seq = %(seq)s
WHERE s.user_id = %(user)s AND s.id = %(session)s
RETURNING id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at;

-- name: latest_text
SELECT id, content FROM messages
WHERE user_id = %(user)s AND session_id = %(session)s AND content <> '' AND deleted_at IS NULL
ORDER BY position DESC LIMIT 1;

-- name: delete_session
UPDATE sessions SET deleted_at = now(), seq = %(seq)s
WHERE user_id = %(user)s AND id = %(session)s AND deleted_at IS NULL
RETURNING id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at;

-- name: restore_session
UPDATE sessions
SET deleted_at = NULL, updated_at = greatest(updated_at, clock_timestamp()), seq = %(seq)s
WHERE user_id = %(user)s AND id = %(session)s AND deleted_at > now() - interval '30 days'
RETURNING id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at;

-- name: mark_read
-- No row: it was read as far before.
UPDATE sessions SET read_seq = %(read_seq)s, seq = %(seq)s
WHERE user_id = %(user)s AND id = %(session)s AND deleted_at IS NULL AND read_seq < %(read_seq)s
RETURNING id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at;

-- name: last_position
SELECT last_position FROM sessions WHERE user_id = %(user)s AND id = %(session)s;

-- name: page
-- The latest first, after the given place.
SELECT id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at
FROM sessions
WHERE user_id = %(user)s
    AND deleted_at IS NULL
    AND (updated_at, id) < (%(before_time)s, %(before_id)s)
ORDER BY updated_at DESC, id DESC
LIMIT %(limit)s;
