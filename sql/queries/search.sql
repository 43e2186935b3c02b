-- What is found by its words, always of one user. Words are asked for with a mark of the user before each, by which they
-- are found among theirs alone.

-- name: search
-- Sessions that hold all the words in their title or in one message, with the message that does so best and latest.
-- The order is that of their last change, where a title is as if it were 30 days newer, and words that are whole, not only
-- begun, as if they were 7: so it needs no clock, and a page goes on where the last one ended.
WITH said AS (
    SELECT DISTINCT ON (session_id)
        session_id,
        id,
        words @@ %(whole)s::tsquery AS whole
    FROM messages
    WHERE user_id = %(user)s AND of_user(user_id, words) @@ %(words)s::tsquery
    ORDER BY session_id ASC, whole DESC, position DESC
),

titled AS (
    SELECT
        id,
        words @@ %(whole)s::tsquery AS whole
    FROM sessions
    WHERE user_id = %(user)s AND of_user(user_id, words) @@ %(words)s::tsquery
),

found AS (
    SELECT
        said.id AS message,
        coalesce(titled.id, said.session_id) AS session_id,
        CASE WHEN titled.id IS NULL THEN interval '0' ELSE interval '30 days' END
        + CASE WHEN titled.whole OR said.whole THEN interval '7 days' ELSE interval '0' END AS ahead
    FROM said
    FULL JOIN titled ON said.session_id = titled.id
),

page AS (
    SELECT
        s.id,
        found.message,
        s.updated_at + found.ahead AS rank
    FROM found
    CROSS JOIN LATERAL (
        SELECT sessions.id, sessions.updated_at, sessions.deleted_at
        FROM sessions
        WHERE sessions.user_id = %(user)s AND sessions.id = found.session_id
        LIMIT 1
    ) AS s
    WHERE s.deleted_at IS NULL AND (s.updated_at + found.ahead, s.id) < (%(before_rank)s, %(before_id)s)
    ORDER BY s.updated_at + found.ahead DESC, s.id DESC
    LIMIT %(limit)s
)

SELECT
    s.id, s.user_id, s.title, s.preview, s.language, s.mode, s.created_at, s.updated_at, s.message_count, s.read_seq,
    s.seq, s.deleted_at, page.rank, page.message,
    (SELECT m.content FROM messages AS m WHERE m.user_id = %(user)s AND m.id = page.message) AS content
FROM page
INNER JOIN sessions AS s ON s.user_id = %(user)s AND s.id = page.id
ORDER BY page.rank DESC, page.id DESC;

-- name: similar
-- For each word that is asked for (the last as a beginning), the words most like it in the latest messages and titles, by
-- the share of their trigrams; 1 or more is the word itself. Words of fewer than four letters are like themselves only.
WITH latest AS (
    (SELECT words FROM messages WHERE user_id = %(user)s ORDER BY seq DESC LIMIT %(messages)s)
    UNION ALL
    (SELECT words FROM sessions WHERE user_id = %(user)s ORDER BY seq DESC LIMIT %(messages)s)
),

known AS MATERIALIZED (
    SELECT DISTINCT each.word
    FROM latest
    CROSS JOIN unnest(tsvector_to_array(latest.words)) AS each (word)
),

compared AS (
    SELECT
        asked.place,
        known.word,
        CASE
            WHEN known.word = asked.word THEN 2
            WHEN asked.place = cardinality(%(words)s::text []) AND starts_with(known.word, asked.word) THEN 1
            WHEN length(asked.word) < 4 THEN 0
            WHEN asked.place = cardinality(%(words)s::text [])
                THEN greatest(similarity(asked.word, known.word), word_similarity(asked.word, known.word) * 0.8)
            ELSE similarity(asked.word, known.word)
        END AS likeness
    FROM unnest(%(words)s::text []) WITH ORDINALITY AS asked (word, place)
    CROSS JOIN known
),

ordered AS (
    SELECT
        place,
        word,
        likeness,
        row_number() OVER (PARTITION BY place ORDER BY likeness DESC, word ASC) AS nth
    FROM compared
    WHERE likeness >= %(least)s
)

SELECT
    place::int,
    word,
    likeness::float AS likeness
FROM ordered
WHERE nth <= %(limit)s
ORDER BY place, nth;
