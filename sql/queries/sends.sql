-- What learners send.

-- name: send_of_users
-- Of each user in the list, who is there once, a message with its pending reply and its turn, the session and the number
-- that come with it: all in one statement, and what is there then. Only what is in order is done: a new message, of a
-- session that is there and has a title and few open replies, under the key that the user has. All else is passed over.
-- Who holds a user just now is not waited for, so that this is part of no deadlock. What is read before the user is held
-- is still so if they have taken no number in between; the session is looked at when it is changed.
WITH asked AS (
    SELECT user_id, session_id, message_id, reply_id, content, preview, metadata, body_hash, words, key, place
    FROM unnest(
        %(users)b::text [], %(sessions)b::uuid [], %(messages)b::uuid [], %(replies)b::uuid [], %(contents)b::text [],
        %(previews)b::text [], %(metadata)b::text [], %(body_hashes)b::bytea [], %(words)b::text [], %(keys)b::bytea []
    ) WITH ORDINALITY AS each (
        user_id, session_id, message_id, reply_id, content, preview, metadata, body_hash, words, key, place
    )
),

seen AS MATERIALIZED (
    SELECT
        asked.user_id, asked.session_id, asked.message_id, asked.reply_id, asked.content, asked.preview, asked.metadata,
        asked.body_hash, asked.words, asked.key, asked.place, u.seq
    FROM asked
    INNER JOIN users AS u ON asked.user_id = u.user_id
    WHERE NOT EXISTS (SELECT FROM messages AS m WHERE m.user_id = asked.user_id AND m.id = asked.message_id)
        AND (
            SELECT count(*) FROM turns AS t WHERE t.user_id = asked.user_id AND t.session_id = asked.session_id
        ) < %(pending)s
),

held AS MATERIALIZED (
    SELECT
        seen.user_id, seen.session_id, seen.message_id, seen.reply_id, seen.content, seen.preview, seen.metadata,
        seen.body_hash, seen.words, seen.place, seen.seq + 1 AS seq
    FROM seen
    INNER JOIN users AS u ON seen.user_id = u.user_id AND seen.seq = u.seq
    WHERE u.key IS NOT DISTINCT FROM seen.key
    FOR NO KEY UPDATE OF u SKIP LOCKED
),

touched AS (
    UPDATE sessions AS s
    SET message_count = s.message_count + 2,
        last_position = s.last_position + 2,
        preview = held.preview,
        updated_at = greatest(s.updated_at, clock_timestamp()),
        seq = held.seq
    FROM held
    WHERE s.user_id = held.user_id AND s.id = held.session_id AND s.deleted_at IS NULL AND s.title <> ''
    RETURNING
        held.message_id, held.reply_id, held.content, held.metadata, held.body_hash, held.words, held.place,
        s.last_position - 1 AS position,
        s.id, s.user_id, s.title, s.preview, s.language, s.mode, s.created_at, s.updated_at, s.message_count, s.read_seq,
        s.seq, s.deleted_at
),

advanced AS (
    UPDATE users AS u SET seq = touched.seq
    FROM touched
    WHERE u.user_id = touched.user_id
),

added AS (
    INSERT INTO messages (
        user_id, id, session_id, position, type, content, metadata, status, reply_to, seq, created_seq, body_hash, words
    )
    SELECT
        user_id, message_id, id, position, 'user', content, metadata::jsonb, NULL, NULL::uuid, seq, seq, body_hash,
        array_to_tsvector(string_to_array(words, ' '))
    FROM touched
    UNION ALL
    SELECT user_id, reply_id, id, position + 1, 'assistant', '', NULL, 'pending', message_id, seq, seq, NULL, ''
    FROM touched
),

begun AS (
    INSERT INTO turns (user_id, message_id, session_id, position)
    SELECT user_id, reply_id, id, position + 1
    FROM touched
)

SELECT
    place, position, reply_id, now() AS said_at,
    id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at
FROM touched;
