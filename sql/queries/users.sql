-- The counter of each user's timeline.

-- name: lock_user
-- Everything numbered happens under this lock. NO KEY UPDATE: a plain one would block foreign-key inserts.
SELECT seq FROM users WHERE user_id = %(user)s FOR NO KEY UPDATE;

-- name: add_user
INSERT INTO users (user_id) VALUES (%(user)s) ON CONFLICT DO NOTHING;

-- name: advance
UPDATE users SET seq = seq + 1 WHERE user_id = %(user)s;

-- name: head
-- Where the timeline stands. The epoch is of the WAL file's name: the control file lags after a promotion.
SELECT
    seq,
    horizon,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
        || ':' || incarnation AS epoch
FROM users
WHERE user_id = %(user)s;

-- name: reached
-- The number that a page of changes ends with: about so many rows or bytes, at least one number, and none split.
SELECT coalesce(max(seq), %(since)s) AS seq
FROM (
    SELECT seq, sum(size) OVER (ORDER BY seq) AS so_far, min(seq) OVER () AS first
    FROM (
        (
            SELECT seq, octet_length(title) + coalesce(octet_length(preview), 0) AS size FROM sessions
            WHERE user_id = %(user)s AND seq > %(since)s
            ORDER BY seq LIMIT %(page)s
        )
        UNION ALL
        (
            SELECT seq, octet_length(content) AS size FROM messages
            WHERE user_id = %(user)s AND seq > %(since)s
            ORDER BY seq LIMIT %(page)s
        )
        ORDER BY seq LIMIT %(page)s
    ) AS changed
) AS measured
WHERE so_far <= %(bytes)s OR seq = first;
