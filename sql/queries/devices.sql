-- The devices that users have signed in with.

-- name: devices
-- The last seen first.
SELECT id, name, token_id, expires_at, first_seen_at, seen_at
FROM devices
WHERE user_id = %(user)s
ORDER BY seen_at DESC, id
LIMIT %(limit)s;

-- name: device
SELECT id, name, token_id, expires_at, first_seen_at, seen_at
FROM devices
WHERE user_id = %(user)s AND id = %(device)s;

-- name: forget_device
DELETE FROM devices WHERE user_id = %(user)s AND id = %(device)s;

-- name: see_devices_of_users
-- Spans users: who was seen lately, each device once. Who was erased meanwhile is left out.
INSERT INTO devices (user_id, id, name, token_id, expires_at)
SELECT seen.user_id, seen.id, seen.name, seen.token_id, to_timestamp(seen.expires_at)
FROM unnest(
    %(users)s::text [], %(devices)s::text [], %(names)s::text [], %(tokens)s::text [], %(expiries)s::float []
) AS seen (user_id, id, name, token_id, expires_at)
INNER JOIN users AS u ON seen.user_id = u.user_id
ON CONFLICT (user_id, id) DO UPDATE
SET name = excluded.name, token_id = excluded.token_id, expires_at = excluded.expires_at, seen_at = now();

-- name: forget_old_devices_of_users
-- Spans users: those of a user beyond so many.
DELETE FROM devices AS d
USING (
    SELECT
        devices.user_id,
        devices.id,
        row_number() OVER (PARTITION BY devices.user_id ORDER BY devices.seen_at DESC, devices.id) AS place
    FROM unnest(%(users)s::text []) AS seen (user_id)
    INNER JOIN devices ON seen.user_id = devices.user_id
) AS counted
WHERE d.user_id = counted.user_id AND d.id = counted.id AND counted.place > %(limit)s;
