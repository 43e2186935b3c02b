-- How many replies of one user are written at once is an invariant of the schema: each takes a place, and places are few.

ALTER TABLE turns ADD COLUMN place integer CHECK (place > 0);

COMMENT ON COLUMN turns.place IS 'among the replies of the user that are written just now; null: claimed before there were places';

-- The table is small at all times, and no index of a partitioned table can be made concurrently.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX turns_one_per_place ON turns (user_id, place) WHERE owner IS NOT NULL;
