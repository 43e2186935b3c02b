-- The secrets that instances have in common: more than one only where instances have no key of the ring in common.

-- name: made_one_at_a_time
-- Held to the end of the transaction; the number is "secrets" in ASCII.
SELECT pg_advisory_xact_lock(32481100117144691);

-- name: deployments
SELECT id, key, key_name FROM deployments ORDER BY made_at, id;

-- name: add_deployment
INSERT INTO deployments (id, key, key_name) VALUES (%(id)s, %(key)s, %(key_name)s);

-- name: rewrap_deployment
UPDATE deployments SET key = %(key)s, key_name = %(key_name)s WHERE id = %(id)s;
