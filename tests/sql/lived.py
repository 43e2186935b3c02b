"""Tables as they are after years, made small: many users who have said little, and one who has said very much."""

from hashlib import sha256
from uuid import UUID

import psycopg

USERS = 2_000
HEAVY = "heavy"
LONG = UUID(int=1)
"""The session of the heavy user that has so many messages."""
MANY = 10_000
"""Messages of that session, and sessions of that user."""


def reply_of(number: int) -> UUID:
    """The message of the long session at this position; the even ones are replies to those before."""
    return UUID(int=(7 << 64) + number)


FILL = """
INSERT INTO users (user_id, seq) SELECT 'user-' || n, 50 FROM generate_series(1, %(users)s) AS n;
INSERT INTO users (user_id, seq) VALUES ('heavy', 50000);
INSERT INTO users (user_id, key, key_name) VALUES ('with a key', 'k', 'k');

INSERT INTO sessions (user_id, id, title, seq, body_hash, words, updated_at, message_count, last_position)
SELECT
    'user-' || n %% %(users)s + 1, gen_random_uuid(), 'Pho', n / %(users)s + 1, sha256(''),
    array_to_tsvector(ARRAY['pho']), now() - make_interval(mins => n), 5, 5
FROM generate_series(0, %(users)s * 4 - 1) AS n;
INSERT INTO sessions (user_id, id, title, seq, body_hash, words, updated_at, message_count, last_position)
SELECT
    'heavy', lpad(to_hex(n), 32, '0')::uuid, 'Pho ' || n, n, sha256(''), array_to_tsvector(ARRAY['pho', n::text]),
    now() - make_interval(mins => n), 5, CASE WHEN n = 1 THEN %(many)s ELSE 5 END
FROM generate_series(1, %(many)s) AS n;

INSERT INTO messages (user_id, id, session_id, position, type, content, seq, created_seq, body_hash, words)
SELECT
    s.user_id, gen_random_uuid(), s.id, n, 'user', 'broth', s.seq + n * 4, s.seq + n * 4, sha256(''),
    array_to_tsvector(ARRAY['broth', 'word' || n])
FROM sessions AS s CROSS JOIN generate_series(1, 5) AS n WHERE s.id <> %(long)s AND (s.user_id <> 'heavy' OR n = 1);
INSERT INTO messages (
    user_id, id, session_id, position, type, content, seq, created_seq, body_hash, words, status, reply_to
)
SELECT
    'heavy', lpad('7' || lpad(to_hex(n), 16, '0'), 32, '0')::uuid, %(long)s, n,
    CASE WHEN n %% 2 = 1 THEN 'user' ELSE 'assistant' END, 'broth ' || n, 20000 + n, 20000 + n,
    CASE WHEN n %% 2 = 1 THEN sha256('') END, array_to_tsvector(ARRAY['broth', n::text]),
    CASE WHEN n %% 2 = 0 THEN 'complete' END,
    CASE WHEN n %% 2 = 0 THEN lpad('7' || lpad(to_hex(n - 1), 16, '0'), 32, '0')::uuid END
FROM generate_series(1, %(many)s) AS n;

INSERT INTO turns (user_id, message_id, session_id, position, attempt, owner, lease_until)
SELECT user_id, id, session_id, position, (position = 4)::integer, CASE WHEN position = 4 THEN 'hub' END, now()
FROM messages WHERE position = 4 OR (user_id = 'heavy' AND position > %(many)s - 10);

INSERT INTO devices (user_id, id, name, expires_at)
SELECT 'user-' || n, 'd' || d, 'phone', now() FROM generate_series(1, %(users)s) AS n, generate_series(1, 3) AS d;
INSERT INTO media (user_id, id, state, type, size, seconds, sha256, body_hash, sealed, created_at)
SELECT
    CASE WHEN n %% 50 = 0 THEN 'heavy' ELSE 'user-' || n %% %(users)s END, lpad(to_hex(n), 32, '0')::uuid, 'ready',
    'audio/ogg', 1, 1, sha256(''), sha256(''), false, now() - make_interval(mins => n)
FROM generate_series(1, %(many)s * 2) AS n;
INSERT INTO revocations (subject, token_id, expires_at, revoked_at)
SELECT sha256(('user-' || n)::bytea), 'token', now() + interval '1 hour', now() - make_interval(mins => n)
FROM generate_series(1, %(users)s * 4) AS n;
"""


def fill(url: str) -> None:
    """Takes some seconds. The statistics are fresh afterwards."""
    with psycopg.connect(url, autocommit=True) as conn, psycopg.ClientCursor(conn) as cursor:
        cursor.execute("SET session_replication_role = replica")  # nothing refers to what is not there
        cursor.execute(FILL, {"users": USERS, "many": MANY, "long": LONG})
        cursor.execute("VACUUM ANALYZE")


def subject_of(user: str) -> bytes:
    """As revocations know them."""
    return sha256(user.encode()).digest()
