-- The bytes stay where they lie; nothing knows them any more.
DROP INDEX messages_by_audio;
DROP INDEX messages_by_image;
DROP TABLE media;
