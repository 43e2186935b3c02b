"""How the page is served, over real requests: what of a folder, with which headers, and what never."""

import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from server.edge.web import Web
from server.errors import StartupError
from tests.hub import running

SCRIPT = "console".ljust(2_000, "!")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """As a build leaves it, and what else may lie about."""
    (tmp_path / "secret.txt").write_text("not in the folder")
    folder = tmp_path / "dist"
    (folder / "assets" / "deeper").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>the page</title>")
    (folder / "service-worker.js").write_text("// the worker")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (folder / "assets" / "index-abc123.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    for name in (".env", ".built", "notes.md", "assets/.hidden.js", "assets/index-abc123.js.map"):
        (folder / name).write_text("nobody's business")
    (folder / "assets" / "deeper" / "x.js").write_text("too deep")
    (folder / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "assets" / "leak.js").symlink_to(tmp_path / "secret.txt")
    return folder


@asynccontextmanager
async def served(database_url: str, folder: Path | None) -> AsyncGenerator[httpx2.AsyncClient]:
    async with running(database_url, web_dir=folder) as hub, httpx2.AsyncClient(base_url=hub.url) as http:
        yield http


async def test_the_page_is_at_its_own_paths_and_says_its_own_policy(database_url: str, built: Path) -> None:
    async with served(database_url, built) as http:
        for path in ("/", "/s/0b5e7a52-3c5f-4d53-a2a8-6e0d9b1f4c11", "/s/gone"):
            page = await http.get(path)
            assert (page.status_code, page.text) == (200, "<!doctype html><title>the page</title>")
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["cache-control"] == "no-cache"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["cross-origin-opener-policy"] == "same-origin"
            assert "microphone=(self)" in page.headers["permissions-policy"]
            policy = dict(each.split(" ", 1) for each in page.headers["content-security-policy"].split("; "))
            assert (policy["default-src"], policy["script-src"]) == ("'self'", "'self'")
            assert (policy["object-src"], policy["base-uri"], policy["frame-ancestors"]) == ("'none'",) * 3
            assert policy["require-trusted-types-for"] == "'script'"


async def test_who_holds_the_page_is_not_sent_it_again(database_url: str, built: Path) -> None:
    async with served(database_url, built) as http:
        tag = (await http.get("/")).headers["etag"]
        again = await http.get("/", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert "default-src 'self'" in again.headers["content-security-policy"]
        assert (await http.get("/", headers={"If-None-Match": '"another"'})).status_code == 200


async def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_the_worker_never(
    database_url: str, built: Path
) -> None:
    async with served(database_url, built) as http:
        script = await http.get("/assets/index-abc123.js")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        worker = await http.get("/service-worker.js")
        assert (worker.text, worker.headers["cache-control"]) == ("// the worker", "no-cache")
        assert (await http.get("/favicon.svg")).headers["content-type"] == "image/svg+xml"


async def test_who_takes_it_packed_gets_what_the_build_has_packed(database_url: str, built: Path) -> None:
    async with served(database_url, built) as http:
        packed = await http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip, br"})
        plain = await http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity"})
        assert (packed.text, plain.text) == (SCRIPT, SCRIPT)
        assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) == len(SCRIPT)
        assert packed.headers["etag"] != plain.headers["etag"]
        assert {each.strip() for each in plain.headers["vary"].split(",")} == {"Accept-Encoding", "Origin"}


async def test_head_tells_the_same_without_the_file(database_url: str, built: Path) -> None:
    async with served(database_url, built) as http:
        for path in ("/", "/s/1", "/assets/index-abc123.js", "/service-worker.js"):
            told, head = await http.get(path), await http.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert {**head.headers, "date": ""} == {**told.headers, "date": ""}


@pytest.mark.parametrize(
    "path",
    [
        "/.env",
        "/.built",
        "/notes.md",
        "/leak.txt",
        "/index.html.gz",
        "/assets",
        "/assets/",
        "/assets/leak.js",
        "/assets/.hidden.js",
        "/assets/index-abc123.js.map",
        "/assets/index-abc123.js.gz",
        "/assets/deeper/x.js",
        "/assets/..%2Findex.html",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd",
        "/assets/%2Fetc%2Fpasswd",
        "/assets/index-abc123.js%00",
        "/s",
        "/s/",
        "/s/1/2",
        "/sessions",
        "/api",
        "/api/",
        "/api/nothing",
        "/ws/",
    ],
)
async def test_nothing_else_of_the_disk_is_served_and_no_other_path_is_the_page(
    database_url: str, built: Path, path: str
) -> None:
    async with served(database_url, built) as http:
        answer = await http.get(httpx2.URL(str(http.base_url).rstrip("/") + path))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/sessions", "/s/1/2", "/notes.md"])
async def test_who_goes_nowhere_in_a_browser_is_told_by_the_page_and_a_program_by_a_problem(
    database_url: str, built: Path, path: str
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with served(database_url, built) as http:
        page = await http.get(path, headers=browser)
        assert (page.status_code, page.text) == (404, "<!doctype html><title>the page</title>")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "Accept" in {each.strip() for each in page.headers["vary"].split(",")}
        held = await http.get(path, headers=browser | {"If-None-Match": page.headers["etag"]})
        assert held.status_code == 404
        head = await http.head(path, headers=browser)
        assert (head.status_code, head.headers["content-type"]) == (404, "text/html; charset=utf-8")
        for accept in ("*/*", "application/json"):
            assert (await http.get(path, headers={"Accept": accept})).json()["code"] == "not_found"
        assert (await http.post(path, headers=browser)).json()["code"] == "not_found"
        for served_elsewhere in ("/api/sessions/1", "/assets/none.js"):
            assert (await http.get(served_elsewhere, headers=browser)).headers["content-type"].endswith("json")


async def test_the_page_takes_no_orders_and_hides_nothing_of_the_api(database_url: str, built: Path) -> None:
    async with served(database_url, built) as http:
        for method in ("POST", "PUT", "DELETE"):
            assert (await http.request(method, "/")).status_code == 405
        assert (await http.get("/api/sessions")).status_code == 401
        assert (await http.post("/api/nothing")).status_code == 404
        assert (await http.get("/livez")).text == "alive"
        assert (await http.get("/openapi.json")).headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_build_beside_a_running_hub_changes_nothing_of_what_it_serves(database_url: str, built: Path) -> None:
    async with served(database_url, built) as http:
        before = await http.get("/")
        (built / "index.html").write_text("another build")
        after = await http.get("/")
        assert (after.text, after.headers["etag"]) == (before.text, before.headers["etag"])


async def test_a_hub_without_a_page_says_how_to_build_it_and_serves_the_rest(database_url: str) -> None:
    async with served(database_url, None) as http:
        said = await http.get("/")
        assert (said.status_code, said.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert "`make start` builds it" in said.text
        assert (await http.get("/s/1", headers={"Accept": "text/html"})).json()["code"] == "not_found"
        assert (await http.get("/openapi.json")).status_code == 200


def test_a_folder_without_a_page_is_no_built_client(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=f"^TUTORHUB_WEB_DIR: there is no index.html in {tmp_path}"):
        Web(tmp_path)
