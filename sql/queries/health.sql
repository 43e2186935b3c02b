-- name: alive
SELECT 1;
