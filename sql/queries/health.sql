-- name: alive
SELECT 1;

-- name: origin
-- Where the numbers that are given here come from: another after a fail-over. Null of a standby, which gives none.
SELECT
    CASE
        WHEN NOT pg_is_in_recovery()
            THEN
                (SELECT system_identifier FROM pg_control_system())
                || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
    END AS name;

-- name: look_one_at_a_time
-- Held to the end of the transaction; the number is "instance" in ASCII.
SELECT pg_advisory_xact_lock(7597136565108630373);

-- name: others
-- The names of the other instances here; anybody may read these columns, also of other roles.
SELECT DISTINCT application_name AS name
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name IN ('tutorhub', 'tutorhub alone');

-- name: be_seen_as
SELECT set_config('application_name', %(name)s, false);
