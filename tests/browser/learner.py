"""What people do at a window, by the names that a screen reader hears: what has no name cannot be done.

async with room.learner(hub) as ada:
    await ada.begin("What is a prime number?")
    await expect(ada.answers.last).to_contain_text("divides")
"""

from urllib.parse import urlsplit

from playwright.async_api import Locator, Page, expect

from tests.browser.window import Window


class Learner:
    def __init__(self, window: Window, user: str, page: Page | None = None) -> None:
        self.window = window
        self.page = page or window.page
        self.user = user

    async def sign_in(self) -> None:
        """By the link that `make start` prints."""
        await self.page.goto(f"/#as={self.user}")
        await expect(self.page.locator("#main")).to_be_attached()

    async def another_tab(self) -> "Learner":
        """The same browser, and so the same device, a second time."""
        return Learner(self.window, self.user, await self.window.another())

    async def shot(self, name: str) -> None:
        await self.window.shot(name, self.page)

    # The list.

    @property
    def sessions(self) -> Locator:
        return self.page.get_by_role("group", name="Your sessions")

    def session(self, title: str) -> Locator:
        return self.sessions.get_by_role("link", name=title)

    @property
    def session_id(self) -> str:
        return urlsplit(self.page.url).path.removeprefix("/s/")

    async def new_session(self) -> None:
        await self.page.get_by_role("link", name="New session", exact=True).click()

    async def menu(self, title: str, item: str) -> None:
        """Do something with a session by its menu."""
        await self.session(title).hover()
        await self.sessions.get_by_role("button", name=f"More about {title}").click()
        await self.page.get_by_role("menuitem", name=item).click()

    async def search(self, query: str) -> None:
        await self.page.get_by_role("searchbox", name="Search your sessions").fill(query)

    async def rename(self, title: str, other: str) -> None:
        await self.menu(title, "Rename")
        field = self.page.get_by_role("textbox", name="New name")
        await field.fill(other)
        await field.press("Enter")
        await expect(self.session(other)).to_be_visible()

    def banner(self, text: str) -> Locator:
        """What is said of the connection."""
        return self.page.get_by_role("status").filter(has_text=text)

    # A conversation.

    @property
    def beginning(self) -> Locator:
        return self.page.get_by_role("heading", name="What would you like to learn?")

    @property
    def field(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message to the tutor")

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("region", name="Messages")

    @property
    def answers(self) -> Locator:
        return self.messages.get_by_role("article", name="Tutor")

    @property
    def said(self) -> Locator:
        return self.messages.get_by_role("article", name="You")

    async def begin(self, text: str) -> None:
        """The first question of a new session."""
        await expect(self.beginning).to_be_visible()
        await self.ask(text)
        await expect(self.said.last).to_contain_text(text.splitlines()[0])

    async def ask(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def do(self, message: Locator, action: str) -> None:
        """With one of the buttons of a message."""
        await message.hover()
        await message.get_by_role("button", name=action, exact=True).click()
