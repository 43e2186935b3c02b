CREATE INDEX sessions_by_word ON sessions USING gin (user_id, words);
CREATE INDEX messages_by_word ON messages USING gin (user_id, words);

DROP INDEX sessions_by_word_of_user;
DROP INDEX messages_by_word_of_user;

DROP FUNCTION of_user;
