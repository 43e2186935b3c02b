-- Deleting everything of a user, in pieces that each take a moment. It is done by one instance at a time: the one that
-- has said last that it goes on. Each piece is deleted only while the user is marked, so that nothing is taken from
-- somebody who has come back.

-- name: mark
-- No token of theirs is good until it is done, however new it is. No row: it was marked before, somebody is at it.
INSERT INTO revocations (subject, token_id, erasing)
VALUES (%(subject)s, '', %(user)s)
ON CONFLICT (subject, token_id) DO UPDATE SET revoked_at = clock_timestamp(), erasing = excluded.erasing
WHERE revocations.erasing IS NULL
RETURNING subject, token_id, extract(EPOCH FROM revoked_at)::float AS revoked_at, erasing IS NOT NULL AS erasing;

-- name: left_of_all_users
-- Spans users: whose erasure nobody has gone on with for so long.
SELECT erasing AS user_id
FROM revocations
WHERE erasing IS NOT NULL AND revoked_at < clock_timestamp() - make_interval(secs => %(seconds)s);

-- name: marked
SELECT erasing AS user_id FROM revocations WHERE subject = %(subject)s AND token_id = '' AND erasing = %(user)s;

-- name: take_up
-- No row: it is done, or somebody else is at it.
UPDATE revocations SET revoked_at = clock_timestamp()
WHERE subject = %(subject)s
    AND token_id = ''
    AND erasing = %(user)s
    AND revoked_at < clock_timestamp() - make_interval(secs => %(seconds)s);

-- name: go_on
-- No row: it is done.
UPDATE revocations SET revoked_at = clock_timestamp()
WHERE subject = %(subject)s AND token_id = '' AND erasing = %(user)s;

-- name: erase_turns
DELETE FROM turns
WHERE user_id = %(user)s
    AND EXISTS (SELECT FROM revocations WHERE subject = %(subject)s AND erasing = %(user)s)
RETURNING user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks;

-- name: erase_messages
DELETE FROM messages
WHERE user_id = %(user)s
    AND EXISTS (SELECT FROM revocations WHERE subject = %(subject)s AND erasing = %(user)s)
    AND id IN (SELECT part.id FROM messages AS part WHERE part.user_id = %(user)s LIMIT %(limit)s);

-- name: erase_sessions
DELETE FROM sessions
WHERE user_id = %(user)s
    AND EXISTS (SELECT FROM revocations WHERE subject = %(subject)s AND erasing = %(user)s)
    AND id IN (SELECT part.id FROM sessions AS part WHERE part.user_id = %(user)s LIMIT %(limit)s);

-- name: erase_user
-- With what was added meanwhile, and the little that is left.
DELETE FROM users
WHERE user_id = %(user)s
    AND EXISTS (SELECT FROM revocations WHERE subject = %(subject)s AND erasing = %(user)s);

-- name: done
-- Who they were is not known here any more. Older tokens stay refused, also those of a clock that is so far ahead.
UPDATE revocations SET revoked_at = clock_timestamp() + make_interval(secs => %(ahead)s), erasing = NULL
WHERE subject = %(subject)s AND token_id = '' AND erasing = %(user)s;
