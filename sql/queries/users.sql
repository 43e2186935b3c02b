-- The counter of each user's timeline.

-- name: lock_user
-- Everything numbered happens under this lock. NO KEY UPDATE: a plain one would block foreign-key inserts.
SELECT seq FROM users WHERE user_id = %(user)s FOR NO KEY UPDATE;

-- name: add_user
INSERT INTO users (user_id) VALUES (%(user)s) ON CONFLICT DO NOTHING;

-- name: advance
UPDATE users SET seq = seq + 1 WHERE user_id = %(user)s;

-- name: heads_of_users
-- Spans users. A join, because `= ANY` of thousands is slow under a generic plan.
-- The epoch is of the WAL file's name: the control file lags after a promotion.
SELECT
    u.user_id,
    u.seq,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || (SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || ':' || u.incarnation AS epoch
FROM unnest(%(users)s::text []) AS known (user_id)
INNER JOIN users AS u ON known.user_id = u.user_id;
