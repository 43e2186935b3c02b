-- name: page
-- A session, tombstone or not, its open replies in the order in which they will be written, and of its messages the last
-- ones under a position and the first ones from there on. `middle`: where the message is, or was, that is named by
-- `around`; then that is the position. A statement is a snapshot: all of it is of one and the same moment.
WITH middle AS (
    SELECT position
    FROM messages
    WHERE user_id = %(user)s AND id = %(around)s AND session_id = %(session)s
)

SELECT
    users.key,
    users.key_name,
    users.sealed,
    (SELECT position FROM middle) AS middle,
    (
        SELECT row_to_json(each)::text
        FROM (
            SELECT
                id, user_id AS "userId", title, preview, language, mode, created_at AS "createdAt",
                updated_at AS "updatedAt", message_count AS "messageCount", read_seq AS "readSeq", seq,
                deleted_at AS "deletedAt"
            FROM sessions
            WHERE user_id = %(user)s AND id = %(session)s
        ) AS each
    ) AS session,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.position), '[]')::text
        FROM (
            SELECT
                id, session_id AS "sessionId", position, type, content, metadata, status, reply_to AS "replyTo",
                created_at AS "createdAt", seq, deleted_at AS "deletedAt"
            FROM messages
            WHERE user_id = %(user)s AND session_id = %(session)s AND deleted_at IS NULL
                AND position < coalesce((SELECT position FROM middle), %(at)s)
            ORDER BY position DESC
            LIMIT %(older)s
        ) AS each
    ) AS older,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.position), '[]')::text
        FROM (
            SELECT
                id, session_id AS "sessionId", position, type, content, metadata, status, reply_to AS "replyTo",
                created_at AS "createdAt", seq, deleted_at AS "deletedAt"
            FROM messages
            WHERE user_id = %(user)s AND session_id = %(session)s AND deleted_at IS NULL
                AND position >= coalesce((SELECT position FROM middle), %(at)s)
            ORDER BY position
            LIMIT %(newer)s
        ) AS each
    ) AS newer,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.position), '[]')::text
        FROM (
            SELECT user_id, message_id, session_id, position, attempt, interrupted, owner, stop, text, chunks
            FROM turns
            WHERE user_id = %(user)s AND session_id = %(session)s
        ) AS each
    ) AS turns
FROM users
WHERE users.user_id = %(user)s;
