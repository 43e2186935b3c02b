"""Things of a user for tests: a session with a message and its reply, there or deleted."""

from uuid import uuid4

from msgspec import Struct

from tests.hostile import Speaker


class Owned(Struct):
    """Things of one user: their ids, by the name of the field that takes them."""

    session: str
    message: str
    reply: str

    def id(self, field: str, *, reply: bool = False) -> str:
        return self.session if field == "session" else self.reply if reply else self.message


async def made(speaker: Speaker, text: str = "words") -> Owned:
    """A session with a message and its settled reply."""
    session = (await speaker.ask(type="session.create", title=text))["result"]["id"]
    await speaker.ask(type="session.open", session=session)
    sent = (await speaker.ask(type="message.send", session=session, message=str(uuid4()), content=text))["result"]
    while not any(
        row["id"] == sent["reply"] and row["status"] != "pending"
        for frame in speaker.heard
        for row in frame.get("messages", [])
    ):
        await speaker.next("reply.settled")
    return Owned(session, sent["message"], sent["reply"])


async def deleted(speaker: Speaker) -> list[Owned]:
    """Things that were deleted: one by one, and with their session."""
    one, all_at_once = await made(speaker), await made(speaker)
    for message in (one.message, one.reply):
        await speaker.ask(type="message.delete", message=message)
    await speaker.ask(type="session.delete", session=one.session)
    await speaker.ask(type="session.delete", session=all_at_once.session)
    return [one, all_at_once]
