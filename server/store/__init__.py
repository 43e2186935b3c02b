"""The only room that knows psycopg: a file for each table of sql/queries, the pool, migrations, the embedded server."""
