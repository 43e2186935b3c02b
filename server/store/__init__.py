"""The only room that knows psycopg: a file for each table of sql/queries, the pool and what may befall it, migrations,
who else is there, and the servers that an instance brings with it.
"""
