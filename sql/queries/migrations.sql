-- What the schema has been through.

-- name: make_ledger
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: one_at_a_time
-- Held to the end of the transaction; the number is "tutorhub" in ASCII, folded to 63 bits.
SELECT pg_advisory_xact_lock(8390327695341318498);

-- name: applied
SELECT name, checksum FROM schema_migrations ORDER BY name;

-- name: record
INSERT INTO schema_migrations (name, checksum) VALUES (%(name)s, %(checksum)s);

-- name: forget
DELETE FROM schema_migrations WHERE name = %(name)s;
