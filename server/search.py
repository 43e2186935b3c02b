"""Finding sessions by the words of their titles and messages, always of one user."""

from protocol.answers import SearchHit, SearchPage
from protocol.ids import UserId
from protocol.model import Session
from server import cursors, words
from server.instance import Instance
from server.store import sessions
from server.store.sessions import Found


async def search(instance: Instance, user: UserId, query: str, before: str | None, limit: int) -> SearchPage:
    """Sessions that hold all the words in their title or in one message, the latest first.

    The last word may be a beginning. A preview is the beginning of a message, so it is found with its message.
    """
    place = cursors.place(before)
    async with instance.database.connection() as conn:
        found = await sessions.search(conn, user, query, place, limit + 1)
    hits = [_hit(each, query) for each in found[:limit]]
    return SearchPage(hits=hits, cursor=cursors.after_session(found[limit - 1]) if len(found) > limit else None)


def _hit(found: Found, query: str) -> SearchHit:
    session = Session(**{field: getattr(found, field) for field in Session.__struct_fields__})
    return SearchHit(session=session, message=found.message, excerpt=words.excerpt(found.content or found.title, query))
