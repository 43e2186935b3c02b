CREATE OR REPLACE FUNCTION of_user(user_id text, words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_to_tsvector(ARRAY(SELECT left(md5(user_id), 8) || word FROM unnest(tsvector_to_array(words)) AS word));
