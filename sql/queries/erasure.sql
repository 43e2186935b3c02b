-- Deleting everything of a user, in pieces that each take a moment.

-- name: mark
-- No token of theirs is good until it is done, however new it is.
INSERT INTO revocations (subject, token_id, erasing)
VALUES (%(subject)s, '', %(user)s)
ON CONFLICT (subject, token_id) DO UPDATE SET revoked_at = clock_timestamp(), erasing = excluded.erasing
RETURNING subject, token_id, extract(EPOCH FROM revoked_at)::float AS revoked_at, erasing IS NOT NULL AS erasing;

-- name: marked_of_all_users
-- Spans users: whose erasure was begun so long ago, and is not done.
SELECT erasing AS user_id
FROM revocations
WHERE erasing IS NOT NULL AND revoked_at < clock_timestamp() - make_interval(secs => %(seconds)s);

-- name: erase_turns
DELETE FROM turns
WHERE user_id = %(user)s
RETURNING user_id, message_id, session_id, attempt, interrupted, owner, stop, text, chunks;

-- name: erase_messages
DELETE FROM messages
WHERE user_id = %(user)s
    AND id IN (SELECT part.id FROM messages AS part WHERE part.user_id = %(user)s LIMIT %(limit)s);

-- name: erase_sessions
DELETE FROM sessions
WHERE user_id = %(user)s
    AND id IN (SELECT part.id FROM sessions AS part WHERE part.user_id = %(user)s LIMIT %(limit)s);

-- name: erase_user
-- With what was added meanwhile, and the little that is left.
DELETE FROM users WHERE user_id = %(user)s;

-- name: done
-- Who they were is not known here any more. Older tokens stay refused.
UPDATE revocations SET revoked_at = clock_timestamp(), erasing = NULL
WHERE subject = %(subject)s AND token_id = '' AND erasing = %(user)s;
