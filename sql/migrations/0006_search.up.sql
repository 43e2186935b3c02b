-- Words are found by whom they are of: a beginning is looked for among the words of its user, however many others there are.
-- The index of user and word asked for both apart, and a beginning then gathers what begins so of everybody.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE OR REPLACE FUNCTION of_user(user_id text, words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_to_tsvector(ARRAY(SELECT left(md5(user_id), 8) || word FROM unnest(tsvector_to_array(words)) AS word));

COMMENT ON FUNCTION of_user IS 'the words with a mark of their user before each; server/store/search.py asks for such';

-- A partitioned table knows no concurrent way. Indexes that its partitions have already are taken as they are: how to make them
-- beforehand, while messages are sent, is said in docs/operations.md.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX sessions_by_word_of_user ON sessions USING gin (of_user(user_id, words));
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX messages_by_word_of_user ON messages USING gin (of_user(user_id, words));

-- squawk-ignore require-concurrent-index-deletion
DROP INDEX sessions_by_word;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX messages_by_word;
