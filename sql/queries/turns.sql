-- Turns: one row per open reply. What names an attempt is refused, by finding no row, once it is not the current one.

-- name: insert_turn
INSERT INTO turns (user_id, message_id, session_id, position)
VALUES (%(user)s, %(message)s, %(session)s, %(position)s);

-- name: claim
-- Take the earliest open reply of a session, if nobody holds it or, to take it over, if its lease has expired.
-- The next attempt, under a lease. The number is one that no attempt has had before: a fail-over to a copy that lags may
-- have forgotten some, so it counts on from a thousand times the fail-overs that there were, by the WAL file's name.
-- The text stays, for whoever goes on from it, but it is no piece of the new attempt.
-- It takes the first free place of its user. Two that take the same at once: the index refuses one of them.
-- One whose user's key is not among the given is left to who can read what it is about.
UPDATE turns AS t
SET attempt = greatest(t.attempt, 1000 * (first.timeline - 1)) + 1,
    interrupted = t.interrupted + (t.owner IS NOT NULL)::integer,
    owner = %(owner)s,
    place = first.place,
    chunks = 0,
    lease_until = now() + make_interval(secs => %(lease)s)
FROM (
    SELECT
        earliest.user_id,
        earliest.message_id,
        earliest.attempt,
        u.key,
        u.key_name,
        u.sealed,
        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer AS timeline,
        (
            SELECT min(free.place) FROM generate_series(1, %(places)s) AS free (place)
            WHERE NOT EXISTS (
                SELECT FROM turns AS other
                WHERE other.user_id = %(user)s
                    AND other.place = free.place
                    AND other.owner IS NOT NULL
                    AND other.message_id <> earliest.message_id
            )
        ) AS place
    FROM turns AS earliest
    INNER JOIN users AS u ON earliest.user_id = u.user_id
    WHERE earliest.user_id = %(user)s AND earliest.session_id = %(session)s
    ORDER BY earliest.position LIMIT 1
) AS first
WHERE t.user_id = first.user_id
    AND t.message_id = first.message_id
    AND t.attempt = first.attempt
    AND first.place IS NOT NULL
    AND (t.owner IS NULL OR (%(take_over)s AND t.lease_until < now()))
    AND (first.key_name IS NULL OR first.key_name = ANY(%(key_names)s::text []))
RETURNING
    t.user_id,
    t.message_id,
    t.session_id,
    t.attempt,
    t.interrupted,
    t.owner,
    t.stop,
    t.text,
    t.chunks,
    first.attempt AS former,
    first.key,
    first.key_name,
    first.sealed;

-- name: keep
-- Renew the lease and save what is written. No row: it is no longer ours, or it was released before this arrived.
UPDATE turns
SET lease_until = now() + make_interval(secs => %(lease)s), text = %(text)s, chunks = %(chunks)s
WHERE user_id = %(user)s AND message_id = %(message)s AND attempt = %(attempt)s AND owner IS NOT NULL
RETURNING stop;

-- name: keep_of_users
-- As keep, of all that one instance writes, in one statement: the places in the list, from 1, of those that were kept,
-- and of these where to stop. One that somebody else holds just now is passed over: to wait for it would keep the
-- others waiting, and who locks many rows in an order of their own is in danger of a deadlock.
-- Where some bytes were saved before, only what comes after them is given. What an attempt has written only grows, so that
-- a text of its own with so many bytes is the one that was meant; one that has another number is passed over as well.
WITH asked AS (
    SELECT user_id, message_id, attempt, saved, text, chunks, place
    FROM unnest(
        %(users)b::text [], %(messages)b::uuid [], %(attempts)b::integer [], %(saved)b::integer [], %(texts)b::text [],
        %(chunks)b::integer []
    ) WITH ORDINALITY AS each (user_id, message_id, attempt, saved, text, chunks, place)
),

held AS (
    SELECT t.user_id, t.message_id, asked.place, asked.saved, asked.text, asked.chunks
    FROM asked
    INNER JOIN turns AS t
        ON asked.user_id = t.user_id AND asked.message_id = t.message_id AND asked.attempt = t.attempt
    WHERE t.owner IS NOT NULL AND (asked.saved = 0 OR (t.chunks > 0 AND octet_length(t.text) = asked.saved))
    FOR NO KEY UPDATE OF t SKIP LOCKED
),

kept AS (
    UPDATE turns AS t
    SET lease_until = now() + make_interval(secs => %(lease)s),
        text = CASE WHEN held.saved = 0 THEN held.text WHEN held.text = '' THEN t.text ELSE t.text || held.text END,
        chunks = held.chunks
    FROM held
    WHERE t.user_id = held.user_id AND t.message_id = held.message_id
    RETURNING held.place, t.stop
)

SELECT
    coalesce(array_agg(place), '{}') AS places,
    coalesce(array_agg(place) FILTER (WHERE stop), '{}') AS stops
FROM kept;

-- name: release
-- Leave it to whoever comes next, with what is written.
UPDATE turns
SET owner = NULL, lease_until = now(), text = %(text)s, chunks = %(chunks)s
WHERE user_id = %(user)s AND message_id = %(message)s AND attempt = %(attempt)s;

-- name: end_turn
-- The first half of settling. No row: another attempt has taken it over, or it was settled.
DELETE FROM turns
WHERE user_id = %(user)s AND message_id = %(message)s AND attempt = %(attempt)s
RETURNING user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks;

-- name: ask_to_stop
-- For the owner to see when it next keeps its turn.
UPDATE turns SET stop = true
WHERE user_id = %(user)s AND message_id = %(message)s
RETURNING user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks;

-- name: turns_answering
-- The open replies to a message, so that nobody claims one meanwhile. Of each open reply its message is looked at: a join
-- that is planned for any user would read all their messages.
SELECT t.user_id, t.message_id, t.session_id, t.attempt, t.interrupted, t.owner, t.stop, t.text, t.chunks
FROM turns AS t
WHERE t.user_id = %(user)s
    AND %(message)s = (SELECT m.reply_to FROM messages AS m WHERE m.user_id = %(user)s AND m.id = t.message_id)
ORDER BY t.position
FOR UPDATE;

-- name: end_turns_of_session
-- Whoever writes them will find no row.
DELETE FROM turns
WHERE user_id = %(user)s AND session_id = %(session)s
RETURNING user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks;

-- name: turn
SELECT user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks
FROM turns
WHERE user_id = %(user)s AND message_id = %(message)s;

-- name: hold_turn
-- So that nobody claims it meanwhile.
SELECT user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks
FROM turns
WHERE user_id = %(user)s AND message_id = %(message)s
FOR UPDATE;

-- name: pending
SELECT count(*)::int AS count FROM turns WHERE user_id = %(user)s AND session_id = %(session)s;

-- name: due_of_all_users
-- Spans users, without a lock: whose earliest open reply nobody holds, or to take over, is past its lease; of the users
-- whose key, if they have one, is among the given, and who have a place free.
-- The claim decides. An anti-join would read all turns where nothing is known of the limit.
SELECT t.user_id, t.session_id
FROM turns AS t
INNER JOIN users AS u ON t.user_id = u.user_id
WHERE t.lease_until < now()
    AND (u.key_name IS NULL OR u.key_name = ANY(%(key_names)s::text []))
    AND (t.owner IS NULL OR %(take_over)s)
    AND (
        t.owner IS NOT NULL
        OR %(places)s > (
            SELECT count(*) FROM turns AS held WHERE held.user_id = t.user_id AND held.owner IS NOT NULL
        )
    )
    AND t.position = (
        SELECT min(first.position) FROM turns AS first
        WHERE first.user_id = t.user_id AND first.session_id = t.session_id
    )
ORDER BY t.lease_until
LIMIT %(limit)s;

-- name: open_in_sessions_of_users
-- Spans users: the open replies of the sessions that are shown somewhere, each pair found by the index of places.
SELECT t.user_id, t.message_id, t.session_id, t.attempt, t.interrupted, t.owner, t.stop, t.text, t.chunks
FROM unnest(%(users)s::text [], %(sessions)s::uuid []) AS opened (user_id, session_id)
INNER JOIN turns AS t ON opened.user_id = t.user_id AND opened.session_id = t.session_id
ORDER BY t.user_id, t.session_id, t.position;
