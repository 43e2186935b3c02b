-- What a device is brought up to date with. A statement is a snapshot: all of it is of one and the same moment.
-- The rows come as JSON in the names of the protocol, so that one answer holds the rows of two tables.
-- The epoch is of the WAL file's name: the control file lags after a promotion.

-- name: changes
-- The head, and a page of what came after a number: about so many rows or bytes, at least one number, none split.
WITH changed AS (
    (
        SELECT
            seq,
            octet_length(title) + coalesce(octet_length(preview), 0) AS bytes
        FROM sessions
        WHERE user_id = %(user)s AND seq > %(since)s
        ORDER BY seq LIMIT %(page)s
    )
    UNION ALL
    (
        SELECT
            seq,
            octet_length(content) AS bytes
        FROM messages
        WHERE user_id = %(user)s AND seq > %(since)s
        ORDER BY seq LIMIT %(page)s
    )
    ORDER BY seq LIMIT %(page)s
),

measured AS (
    SELECT
        seq,
        sum(bytes) OVER (ORDER BY seq) AS so_far,
        min(seq) OVER () AS first
    FROM changed
),

reached AS (
    SELECT coalesce(max(seq), %(since)s::bigint) AS upto
    FROM measured
    WHERE so_far <= %(bytes)s OR seq = first
)

SELECT
    users.seq,
    users.horizon,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || (SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || ':' || users.incarnation AS epoch,
    users.key,
    users.key_name,
    users.sealed,
    reached.upto,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.seq), '[]')::text
        FROM (
            SELECT
                id, user_id AS "userId", title, preview, language, mode, created_at AS "createdAt",
                updated_at AS "updatedAt", message_count AS "messageCount", read_seq AS "readSeq", seq,
                deleted_at AS "deletedAt"
            FROM sessions
            WHERE user_id = %(user)s AND seq > %(since)s AND seq <= reached.upto
        ) AS each
    ) AS sessions,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.seq, each.position), '[]')::text
        FROM (
            SELECT
                id, session_id AS "sessionId", position, type, content, metadata, status, reply_to AS "replyTo",
                created_at AS "createdAt", seq, deleted_at AS "deletedAt"
            FROM messages
            WHERE user_id = %(user)s AND seq > %(since)s AND seq <= reached.upto
        ) AS each
    ) AS messages
FROM users
CROSS JOIN reached
WHERE users.user_id = %(user)s;

-- name: snapshot
-- The head, and the first sessions, the latest first.
SELECT
    users.seq,
    users.horizon,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || (SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || ':' || users.incarnation AS epoch,
    users.key,
    users.key_name,
    users.sealed,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each."updatedAt" DESC, each.id DESC), '[]')::text
        FROM (
            SELECT
                id, user_id AS "userId", title, preview, language, mode, created_at AS "createdAt",
                updated_at AS "updatedAt", message_count AS "messageCount", read_seq AS "readSeq", seq,
                deleted_at AS "deletedAt"
            FROM sessions
            WHERE user_id = %(user)s AND deleted_at IS NULL
            ORDER BY updated_at DESC, id DESC
            LIMIT %(limit)s
        ) AS each
    ) AS sessions
FROM users
WHERE users.user_id = %(user)s;
