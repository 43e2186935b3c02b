"""The page: the built web client, which anybody may read. Where it is not built, `/` says so, and the rest goes on.

What is served is read once, at the start: nothing that a request says becomes a path, and a build that goes on beside a
running hub changes nothing under its pages' feet.
"""

from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.edge.requests import http_error, is_held, route
from server.errors import NotFound, StartupError
from server.settings import PAGE

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self';"
    " img-src 'self' blob:; media-src 'self' blob:; object-src 'none';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types svelte-trusted-html tutorhub tutorhub-worker dompurify"
)
"""Whatever a tutor says: no script but ours, nothing from elsewhere, and no text that becomes markup unseen."""
ALWAYS = {
    "Content-Security-Policy": POLICY,  # also with scripts: a worker obeys that of its own answer
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}
FOR_EVER = "public, max-age=31536000, immutable"
"""A name with a hash in it never means anything else."""
ASK_EACH_TIME = "no-cache"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What is of another kind is not served."""
NOT_BUILT = """\
The web client is not built. With Node 20.19 or newer and npm on the PATH, `make start` builds it;
TUTORHUB_WEB_DIR names one that was built elsewhere.

The hub itself is well. What it can do is described at /openapi.json and /asyncapi.json.
"""


class Form(Struct, frozen=True):
    """A file as it is sent: as it is, or packed."""

    body: bytes
    tag: str
    encoding: str | None = None


class File(Struct, frozen=True):
    """A file of the page. `packed` is what the build has left beside it, smaller."""

    type: str
    holds: str
    plain: Form
    packed: Form | None

    def answer(self, request: Request, status: int = 200) -> Response:
        asked = {name.strip() for name in request.headers.get("accept-encoding", "").split(",")}
        form = self.packed if self.packed is not None and "gzip" in asked else self.plain
        headers = ALWAYS | {"ETag": form.tag, "Cache-Control": self.holds}
        if status == 200 and is_held(request, form.tag):
            return Response(status_code=304, headers=headers)
        if form.encoding is not None:
            headers["Content-Encoding"] = form.encoding
        return Response(form.body, status, headers, self.type)


class Web:
    """The page of one instance, from the folder that its build has filled; None: there is none.

    Raises StartupError if nothing was built there.
    """

    def __init__(self, folder: Path | None) -> None:
        self._files = {} if folder is None else _files(folder, ASK_EACH_TIME)
        self._assets = {} if folder is None else _files(folder / "assets", FOR_EVER)
        if folder is not None and PAGE not in self._files:
            raise StartupError(f"TUTORHUB_WEB_DIR: there is no {PAGE} in {folder}, as there is where it was built.")

    def routes(self) -> list[Route]:
        if not self._files:
            return [Route("/", _not_built)]
        return [
            route("GET", "/", self._page),
            # Which session that is, and whose, is between the page and the API.
            route("GET", "/s/{session}", self._page),
            route("GET", "/assets/{name}", self._asset),
            *(route("GET", f"/{name}", self._file) for name in self._files if name != PAGE),
        ]

    async def nowhere(self, request: Request, error: Exception) -> Response:
        """An address that leads nowhere: the page says so to people, a problem to programs."""
        if not self._files or request.method not in ("GET", "HEAD") or not _is_for_people(request):
            return await http_error(request, error)
        page = self._files[PAGE].answer(request, 404)
        page.headers.add_vary_header("Accept")
        return page

    async def _page(self, request: Request) -> Response:
        return self._files[PAGE].answer(request)

    async def _file(self, request: Request) -> Response:
        return self._files[request.url.path.removeprefix("/")].answer(request)

    async def _asset(self, request: Request) -> Response:
        found = self._assets.get(request.path_params["name"])
        if found is None:
            raise NotFound
        return found.answer(request)


def _is_for_people(request: Request) -> bool:
    """Browsers that go somewhere name HTML; `*/*` is what programs say."""
    kinds = request.headers.get("accept", "").split(",")
    return any(kind.partition(";")[0].strip().lower() == "text/html" for kind in kinds)


def _files(folder: Path, holds: str) -> dict[str, File]:
    """What lies in the folder itself, by name. No links, as they may lead out of it, and nothing hidden."""
    found = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()] if folder.is_dir() else []
    return {
        path.name: File(TYPES[path.suffix], holds, _form(path), _packed(path))
        for path in found
        if path.suffix in TYPES and not path.name.startswith(".")
    }


def _form(path: Path, encoding: str | None = None) -> Form:
    body = path.read_bytes()
    return Form(body, f'"{sha256(body).hexdigest()[:32]}"', encoding)


def _packed(path: Path) -> Form | None:
    twin = path.with_name(f"{path.name}.gz")
    return _form(twin, "gzip") if twin.is_file() and not twin.is_symlink() else None


async def _not_built(request: Request) -> Response:
    return PlainTextResponse(NOT_BUILT, 404)
