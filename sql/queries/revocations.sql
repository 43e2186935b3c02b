-- Tokens that are good no more. `subject` stands for a user, and is as good a key.

-- name: revoke
INSERT INTO revocations (subject, token_id, expires_at)
VALUES (%(subject)s, %(token)s, to_timestamp(%(expires_at)s))
ON CONFLICT (subject, token_id) DO UPDATE SET revoked_at = clock_timestamp(), expires_at = excluded.expires_at
RETURNING subject, token_id, extract(EPOCH FROM revoked_at)::float AS revoked_at, erasing IS NOT NULL AS erasing;

-- name: revoked_of_users
-- Spans users: of all who come at once.
SELECT subject, token_id, extract(EPOCH FROM revoked_at)::float AS revoked_at, erasing IS NOT NULL AS erasing
FROM unnest(%(subjects)s::bytea []) AS known (subject)
INNER JOIN revocations USING (subject);

-- name: revoked_lately_of_all_users
-- Spans users: what whoever holds sockets has to hear of.
SELECT subject, token_id, extract(EPOCH FROM revoked_at)::float AS revoked_at, erasing IS NOT NULL AS erasing
FROM revocations
WHERE revoked_at > clock_timestamp() - make_interval(secs => %(seconds)s);

-- name: forget_expired_of_all_users
-- Spans users: tokens that are no longer good anyway, by whatever clock.
DELETE FROM revocations WHERE expires_at < now() - interval '1 day';
