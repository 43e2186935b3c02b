DROP INDEX turns_one_per_place;
ALTER TABLE turns DROP COLUMN place;
