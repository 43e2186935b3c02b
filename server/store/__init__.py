"""The only room that knows psycopg: one file for each file of sql/queries."""
