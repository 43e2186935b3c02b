"""A database that is filled by the command, and the laws that hold in it."""

import os
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from client.device import Device, connect
from protocol import model
from protocol.ids import fresh_device_id
from tests.hub import Hub

SMALL = ("--users", "8", "--sessions", "4", "--messages", "6", "--many-sessions", "60", "--long-session", "300")
ALL = ("fill-many-sessions", "fill-long-session", *(f"fill-000000{number}" for number in range(1, 9)))
NO_RING = {"TUTORHUB_ENCRYPTION_KEYS": ""}

BROKEN = {
    "a user's number is that of their last change": """
        SELECT user_id FROM users AS u WHERE seq IS DISTINCT FROM (
            SELECT max(seq) FROM (
                SELECT user_id, seq FROM sessions UNION ALL SELECT user_id, seq FROM messages
            ) AS changes WHERE changes.user_id = u.user_id
        )""",
    "a number is that of one change: a send, a settled reply, or what was done to one session": """
        SELECT user_id, seq FROM (
            SELECT user_id, seq, CASE type WHEN 'user' THEN 'send' ELSE 'settled' END AS change FROM messages
            UNION ALL SELECT user_id, created_seq, 'send' FROM messages WHERE type = 'assistant'
            UNION ALL SELECT user_id, seq, CASE WHEN read_seq = 0 THEN 'settled' ELSE 'read' END FROM sessions
        ) AS numbers GROUP BY user_id, seq HAVING count(DISTINCT change) > 1""",
    "a session counts its messages": """
        SELECT id FROM sessions AS s WHERE (message_count, last_position) IS DISTINCT FROM (
            SELECT (count(*)::int, max(position)) FROM messages AS m WHERE (m.user_id, m.session_id) = (s.user_id, s.id)
        )""",
    "a preview is the beginning of the last text": """
        SELECT id FROM sessions AS s WHERE preview IS DISTINCT FROM (
            SELECT left(content, 200) FROM messages AS m
            WHERE (m.user_id, m.session_id) = (s.user_id, s.id) AND content <> '' ORDER BY position DESC LIMIT 1
        )""",
    "a message has a session, and a reply a message of its send before it": """
        SELECT m.id FROM messages AS m
        LEFT JOIN sessions AS s ON (m.user_id, m.session_id) = (s.user_id, s.id)
        LEFT JOIN messages AS asked ON (m.user_id, m.reply_to) = (asked.user_id, asked.id)
        WHERE s.id IS NULL OR (m.type = 'assistant' AND (
            asked.position, asked.created_seq, asked.session_id, asked.created_at
        ) IS DISTINCT FROM (m.position - 1, m.created_seq, m.session_id, m.created_at))""",
    "a session is touched last after all that was said in it": """
        SELECT s.id FROM sessions AS s INNER JOIN messages AS m ON (m.user_id, m.session_id) = (s.user_id, s.id)
        WHERE m.seq > s.seq OR m.created_at > s.updated_at OR m.created_at < s.created_at OR s.read_seq >= s.seq""",
    "words are in the order in which PostgreSQL puts them": """
        SELECT id FROM messages WHERE words <> array_to_tsvector(tsvector_to_array(words))""",
}


def fill(url: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loadtest", "fill", "--database", url, *arguments]
    environment = os.environ | NO_RING | environ
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def rows(url: str, statement: str, *parameters: object) -> list[Any]:
    with psycopg.connect(url, row_factory=namedtuple_row) as conn:
        return conn.execute(statement.encode(), parameters).fetchall()


def everything(url: str, user: str = "") -> list[list[Any]]:
    return [
        rows(url, f"SELECT * FROM {table} WHERE starts_with(user_id, %s) ORDER BY {order}", user)
        for table, order in (("users", "user_id"), ("sessions", "user_id, id"), ("messages", "user_id, id"))
    ]


def device_of(hub: Hub, user: str) -> AbstractAsyncContextManager[Device]:
    return connect(hub.url, hub.token(user), model.Device(id=fresh_device_id(), name="reader"))
