-- The extension stays: others may use it.
DROP TABLE turns;
DROP TABLE messages;
DROP TABLE sessions;
DROP TABLE users;
