-- What is known of pictures and sounds. Their bytes lie in a depot.

-- name: media
-- Also while its bytes are on their way.
SELECT
    id, state, type, size, thumbnail_size, view_size, width, height, seconds, sha256, body_hash, sealed, created_at
FROM media
WHERE user_id = %(user)s AND id = %(media)s;

-- name: used
-- What a user's files take, those on their way too.
SELECT
    count(*) AS files,
    coalesce(sum(size + coalesce(thumbnail_size, 0) + coalesce(view_size, 0)), 0)::bigint AS size
FROM media
WHERE user_id = %(user)s;

-- name: insert_media
INSERT INTO media (
    user_id, id, type, size, thumbnail_size, view_size, width, height, seconds, sha256, body_hash,
    sealed
)
VALUES (
    %(user)s, %(media)s, %(type)s, %(size)s, %(thumbnail_size)s, %(view_size)s, %(width)s, %(height)s, %(seconds)s,
    %(sha256)s, %(body_hash)s, %(sealed)s
)
RETURNING
    id, state, type, size, thumbnail_size, view_size, width, height, seconds, sha256, body_hash, sealed, created_at;

-- name: make_ready
-- No row: it was taken for an orphan meanwhile.
UPDATE media
SET state = 'ready', size = %(size)s, thumbnail_size = %(thumbnail_size)s, view_size = %(view_size)s, sha256 = %(sha256)s
WHERE user_id = %(user)s AND id = %(media)s AND body_hash = %(body_hash)s
RETURNING
    id, state, type, size, thumbnail_size, view_size, width, height, seconds, sha256, body_hash, sealed, created_at;

-- name: page
-- The latest first, after the given place.
SELECT
    id, state, type, size, thumbnail_size, view_size, width, height, seconds, sha256, body_hash, sealed, created_at
FROM media
WHERE user_id = %(user)s
    AND state = 'ready'
    AND (created_at, id) < (%(before_time)s, %(before_id)s)
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s;

-- name: delete_media
DELETE FROM media WHERE user_id = %(user)s AND id = %(media)s;

-- name: delete_pending
DELETE FROM media
WHERE user_id = %(user)s AND id = %(media)s AND body_hash = %(body_hash)s AND state = 'pending';

-- name: delete_all
DELETE FROM media WHERE user_id = %(user)s;

-- name: delete_orphan
-- Under the user's lock, under which a message would come to name it.
DELETE FROM media AS f
WHERE f.user_id = %(user)s
    AND f.id = %(media)s
    AND f.created_at < now() - interval '1 second' * CASE f.state
        WHEN 'ready' THEN %(age)s::double precision
        ELSE %(pending_age)s::double precision
    END
    AND NOT EXISTS (
        SELECT FROM messages AS m
        WHERE m.user_id = f.user_id
            AND m.metadata ? 'imageUrl'
            AND m.metadata ->> 'imageUrl' = '/api/media/' || f.id::text
    )
    AND NOT EXISTS (
        SELECT FROM messages AS m
        WHERE m.user_id = f.user_id
            AND m.metadata ? 'audioUrl'
            AND m.metadata ->> 'audioUrl' = '/api/media/' || f.id::text
    );

-- name: candidates_of_all_users
-- Some files of any user, in the order of their keys, after the given one. An orphan is old, and no message names it:
-- a deleted message names nothing, those of a deleted session do, as it may be restored.
-- Each file's message is looked for by itself (LIMIT 1): else all messages would be read to find those of 200 files.
WITH page AS MATERIALIZED (
    SELECT user_id, id, state, created_at, '/api/media/' || id::text AS url
    FROM media
    WHERE (user_id, id) > (%(after_user)s, %(after_media)s)
    ORDER BY user_id, id
    LIMIT %(limit)s
)

SELECT
    f.user_id, f.id,
    shown.named IS NULL AND heard.named IS NULL
    AND f.created_at < now() - interval '1 second' * CASE f.state
        WHEN 'ready' THEN %(age)s::double precision
        ELSE %(pending_age)s::double precision
    END AS orphan
FROM page AS f
LEFT JOIN LATERAL (
    SELECT true AS named FROM messages AS m
    WHERE m.user_id = f.user_id AND m.metadata ? 'imageUrl' AND m.metadata ->> 'imageUrl' = f.url
    LIMIT 1
) AS shown ON true
LEFT JOIN LATERAL (
    SELECT true AS named FROM messages AS m
    WHERE m.user_id = f.user_id AND m.metadata ? 'audioUrl' AND m.metadata ->> 'audioUrl' = f.url
    LIMIT 1
) AS heard ON true
ORDER BY f.user_id, f.id;

-- name: known_of_all_users
-- Which of these ids belong to a file, and whose: an id may be used by several users.
SELECT f.user_id, f.id, false AS orphan
FROM unnest(%(ids)s::uuid []) AS lying (id)
INNER JOIN media AS f ON lying.id = f.id;
