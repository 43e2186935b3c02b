"""Finding sessions by the words of their titles and messages, always of one user."""

from protocol.answers import SearchHit, SearchPage
from protocol.ids import UserId
from protocol.model import Cursor, Session
from server import cursors, words
from server.instance import Instance
from server.store.pool import Connection
from server.store.search import Found, search_exact, search_similar


async def search(
    instance: Instance, user: UserId, query: str, before: str | None, limit: int, *, seen: Cursor | None = None
) -> SearchPage:
    """Sessions that hold all the words in their title or in one message, the best and latest first; no older than what
    was seen.

    The last word may be a beginning. If nothing is found, words that are like unknown ones are looked for, and said in
    the answer. A preview is the beginning of a message, so it is found with its message.
    """
    place, guessed = cursors.found(before)

    async def found(conn: Connection) -> tuple[list[str], list[Found]]:
        rows = [] if guessed else await search_exact(conn, user, query, place, limit + 1)
        if guessed or (guessed is None and not rows):
            return await search_similar(conn, user, query, place, limit + 1)
        return [], rows

    similar, rows = await instance.reads.read(user, seen, found)
    sought = " ".join([*similar, query])
    last = rows[limit - 1] if len(rows) > limit else None
    return SearchPage(
        hits=[_hit(each, sought) for each in rows[:limit]],
        cursor=last and cursors.after_found(last.rank, last.id, similar=bool(similar)),
        similar=similar if rows else [],
    )


def _hit(found: Found, sought: str) -> SearchHit:
    session = Session(**{field: getattr(found, field) for field in Session.__struct_fields__})
    return SearchHit(
        session=session, message=found.message, excerpt=words.excerpt(found.content or found.title, sought)
    )
