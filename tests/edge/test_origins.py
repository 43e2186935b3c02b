"""Which pages may talk to the hub, over real sockets and requests; what every answer tells a browser."""

from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.device import device
from tests.edge.sockets import certified
from tests.hub import Hub, running
from tests.test_environment import HOME, refusal

FRIEND = "https://app.example.com"
STRANGERS = [
    "https://evil.example",
    "null",
    "https://app.example.com.evil.io",
    "https://app.example.com:444",
    "http://app.example.com",
    "https://APP.example.com",
    "https://evil.example/?https://app.example.com",
    "",
]


async def upgrade(hub: Hub, *origins: str) -> int:
    """The status of the answer; 101 is the way in."""
    try:
        async with connect(f"ws://127.0.0.1:{hub.port}/ws", additional_headers=[("Origin", each) for each in origins]):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_a_strange_page_gets_neither_a_socket_nor_an_answer(database_url: str, stranger: str) -> None:
    async with running(database_url, origins=(FRIEND,)) as hub, httpx2.AsyncClient(base_url=hub.url) as http:
        assert await upgrade(hub, stranger) == 403
        for method in ("GET", "POST", "OPTIONS"):
            asked = {"Origin": stranger, "Access-Control-Request-Method": "GET", **hub.headers("ada")}
            answer = await http.request(method, "/api/sessions", headers=asked)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "access-control-allow-origin" not in answer.headers
            assert answer.headers["vary"] == "Origin"


async def test_two_origins_are_none(database_url: str) -> None:
    """No browser says two."""
    async with running(database_url, origins=(FRIEND,)) as hub, httpx2.AsyncClient(base_url=hub.url) as http:
        assert await upgrade(hub, FRIEND, "https://evil.example") == 403
        headers = [("Origin", FRIEND), ("Origin", "https://evil.example")]
        assert (await http.get("/api/sessions", headers=headers)).status_code == 403


async def test_who_is_no_page_a_friend_and_a_page_of_this_machine_come_in(database_url: str) -> None:
    async with running(database_url, origins=(FRIEND,)) as hub, device(hub) as phone:
        assert phone.closed is None
        assert await upgrade(hub) == 101
        assert await upgrade(hub, FRIEND) == 101
        assert await upgrade(hub, f"http://127.0.0.1:{hub.port}") == 101


async def test_a_name_that_was_made_to_lead_here_is_no_name_of_ours(database_url: str) -> None:
    """A page of evil.example, after its name was changed to lead to 127.0.0.1, says that it is where it asks."""
    async with running(database_url) as hub, httpx2.AsyncClient(base_url=hub.url) as http:
        rebound = f"evil.example:{hub.port}"
        answer = await http.post(
            "/auth/dev", headers={"Host": rebound, "Origin": f"http://{rebound}"}, json={"user": "a"}
        )
        assert answer.status_code == 403


async def test_a_friend_may_read_the_answer_and_is_told_what_it_may_ask(database_url: str) -> None:
    async with running(database_url, origins=(FRIEND,)) as hub, httpx2.AsyncClient(base_url=hub.url) as http:
        answer = await http.get("/api/sessions", headers={"Origin": FRIEND, **hub.headers("ada")})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, FRIEND)
        assert "access-control-allow-credentials" not in answer.headers
        asked = {"Origin": FRIEND, "Access-Control-Request-Method": "DELETE"}
        answer = await http.options("/api/sessions", headers=asked)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, FRIEND)
        assert "DELETE" in answer.headers["access-control-allow-methods"]
        assert "Authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/api/sessions", "/openapi.json", "/nowhere"])
async def test_every_answer_is_safe_for_a_browser(database_url: str, path: str) -> None:
    async with running(database_url) as hub, httpx2.AsyncClient(base_url=hub.url) as http:
        headers = (await http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers
        assert "server" not in headers


async def test_over_tls_a_browser_is_told_to_stay_there(database_url: str, tmp_path: Path) -> None:
    certificate, key, trust = certified(tmp_path)
    async with (
        running(database_url, tls_cert=certificate, tls_key=key) as hub,
        httpx2.AsyncClient(base_url=f"https://127.0.0.1:{hub.port}", verify=trust) as http,
    ):
        answer = await http.get("/livez")
        assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")


@pytest.mark.parametrize("wrong", ["*", "app.example.com", "https://app.example.com/path", "https://APP.example.com"])
def test_an_origin_that_no_browser_says_is_refused_at_the_start(wrong: str) -> None:
    assert refusal({**HOME, "TUTORHUB_ORIGINS": f"{FRIEND}, {wrong}"}).startswith("TUTORHUB_ORIGINS: ")
