"""Files that a learner adds to a message."""

from playwright.async_api import FilePayload

from tests.browser.learner import Learner


def file(name: str, type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": type, "buffer": content}


async def add(ada: Learner, *files: FilePayload) -> None:
    """By the button that chooses files."""
    async with ada.page.expect_file_chooser() as chooser:
        await ada.page.get_by_role("button", name="Add a picture or a sound").click()
    await (await chooser.value).set_files(list(files), timeout=60_000)  # they go through a pipe
