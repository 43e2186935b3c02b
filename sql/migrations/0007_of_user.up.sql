-- The mark of a user is put before words by one expression, which PostgreSQL writes into the place where it is called. As a
-- query of its own it was read and planned anew for every statement and each index that it adds to, and run for each row.
-- What it answers is the same, so the indexes stay as they are: a word has neither a space nor a quote within it, and as
-- text each stands in quotes, after a space but for the first.

CREATE OR REPLACE FUNCTION of_user(user_id text, words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(' ' || words::text, ' ''', ' ''' || left(md5(user_id), 8))::tsvector;
