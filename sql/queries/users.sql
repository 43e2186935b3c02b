-- The counter of each user's timeline.

-- name: lock_user
-- Everything numbered happens under this lock. NO KEY UPDATE: a plain one would block foreign-key inserts.
SELECT seq, key, key_name, sealed FROM users WHERE user_id = %(user)s FOR NO KEY UPDATE;

-- name: add_user
-- Unless they are being erased.
INSERT INTO users (user_id, key, key_name, sealed)
SELECT %(user)s, %(key)s, %(key_name)s, %(key)s::bytea IS NOT NULL
WHERE NOT EXISTS (SELECT FROM revocations WHERE subject = %(subject)s AND erasing IS NOT NULL)
ON CONFLICT DO NOTHING;

-- name: lock_key
-- As lock_user, of a user who is there.
SELECT key, key_name, sealed FROM users WHERE user_id = %(user)s FOR NO KEY UPDATE;

-- name: key_of_user
SELECT key, key_name, sealed FROM users WHERE user_id = %(user)s;

-- name: reached
-- How far a replica is, and of which numbers. A standby cannot name the WAL file it is at: its control file knows the
-- timeline, at the latest from its next restart point on, and until then names an older one.
SELECT
    u.seq,
    (SELECT system_identifier FROM pg_control_system())
        || ':'
        || CASE
            WHEN pg_is_in_recovery()
                THEN (
                    SELECT upper(lpad(to_hex(greatest(c.timeline_id, r.min_recovery_end_timeline)), 8, '0'))
                    FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r
                )
            ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
        END
        || ':' || u.incarnation AS epoch
FROM users AS u
WHERE u.user_id = %(user)s;

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

-- name: key_uses_of_all_users
-- Spans users: how many have a key under each key of the ring, and how many are not sealed in full.
SELECT
    key_name,
    sealed,
    count(*)::int AS users
FROM users
GROUP BY key_name, sealed
ORDER BY key_name NULLS FIRST, sealed;

-- name: behind_of_all_users
-- Spans users: those whose key is not yet under this key of the ring, or who are not sealed in full.
SELECT user_id FROM users
WHERE user_id > %(after)s AND (key_name IS DISTINCT FROM %(key_name)s OR NOT sealed)
ORDER BY user_id LIMIT %(limit)s;
