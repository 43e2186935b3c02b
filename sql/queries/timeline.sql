-- What devices are brought up to date with. A statement is a snapshot: all of it is of one and the same moment.
-- The rows come as JSON in the names of the protocol, so that one answer holds the rows of two tables.
-- The epoch is of the WAL file's name: the control file lags after a promotion.
-- Spans users: of all who come at once. LIMIT 1, because a plain join with users would read all of them.

-- name: changes_of_users
-- The head, and a page of what came after a number: about so many rows or bytes, at least one number, none split.
SELECT
    asked.place,
    asked.since,
    u.seq,
    u.horizon,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || (SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || ':' || u.incarnation AS epoch,
    u.key,
    u.key_name,
    u.sealed,
    reached.upto,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.seq), '[]')::text
        FROM (
            SELECT
                s.id, s.user_id AS "userId", s.title, s.preview, s.language, s.mode, s.created_at AS "createdAt",
                s.updated_at AS "updatedAt", s.message_count AS "messageCount", s.read_seq AS "readSeq", s.seq,
                s.deleted_at AS "deletedAt"
            FROM sessions AS s
            WHERE s.user_id = asked.user_id AND s.seq > asked.since AND s.seq <= reached.upto
        ) AS each
    ) AS sessions,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each.seq, each.position), '[]')::text
        FROM (
            SELECT
                m.id, m.session_id AS "sessionId", m.position, m.type, m.content, m.metadata, m.status,
                m.reply_to AS "replyTo", m.created_at AS "createdAt", m.seq, m.deleted_at AS "deletedAt"
            FROM messages AS m
            WHERE m.user_id = asked.user_id AND m.seq > asked.since AND m.seq <= reached.upto
        ) AS each
    ) AS messages
FROM unnest(%(users)b::text [], %(since)b::bigint []) WITH ORDINALITY AS asked (user_id, since, place)
CROSS JOIN LATERAL (
    SELECT
        user_id, seq, horizon, incarnation, key, key_name, sealed
    FROM users
    WHERE user_id = asked.user_id
    LIMIT 1
) AS u
CROSS JOIN LATERAL (
    SELECT coalesce(max(measured.seq), asked.since) AS upto
    FROM (
        SELECT
            changed.seq,
            sum(changed.bytes) OVER (ORDER BY changed.seq) AS so_far,
            min(changed.seq) OVER () AS first
        FROM (
            (
                SELECT
                    s.seq,
                    octet_length(s.title) + coalesce(octet_length(s.preview), 0) AS bytes
                FROM sessions AS s
                WHERE s.user_id = asked.user_id AND s.seq > asked.since
                ORDER BY s.seq LIMIT %(page)s
            )
            UNION ALL
            (
                SELECT
                    m.seq,
                    octet_length(m.content) AS bytes
                FROM messages AS m
                WHERE m.user_id = asked.user_id AND m.seq > asked.since
                ORDER BY m.seq LIMIT %(page)s
            )
            ORDER BY seq LIMIT %(page)s
        ) AS changed
    ) AS measured
    WHERE measured.so_far <= %(bytes)s OR measured.seq = measured.first
) AS reached;

-- name: snapshot_of_users
-- The head, and the first sessions, the latest first.
SELECT
    asked.place,
    u.seq,
    u.horizon,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || (SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || ':' || u.incarnation AS epoch,
    u.key,
    u.key_name,
    u.sealed,
    (
        SELECT coalesce(json_agg(row_to_json(each) ORDER BY each."updatedAt" DESC, each.id DESC), '[]')::text
        FROM (
            SELECT
                s.id, s.user_id AS "userId", s.title, s.preview, s.language, s.mode, s.created_at AS "createdAt",
                s.updated_at AS "updatedAt", s.message_count AS "messageCount", s.read_seq AS "readSeq", s.seq,
                s.deleted_at AS "deletedAt"
            FROM sessions AS s
            WHERE s.user_id = asked.user_id AND s.deleted_at IS NULL
            ORDER BY s.updated_at DESC, s.id DESC
            LIMIT %(limit)s
        ) AS each
    ) AS sessions
FROM unnest(%(users)b::text []) WITH ORDINALITY AS asked (user_id, place)
CROSS JOIN LATERAL (
    SELECT
        user_id, seq, horizon, incarnation, key, key_name, sealed
    FROM users
    WHERE user_id = asked.user_id
    LIMIT 1
) AS u;
