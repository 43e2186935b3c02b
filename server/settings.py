"""What can be set. environment.py reads it."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Roles = Literal["hub,tutor", "hub", "tutor"]
Level = Literal["debug", "info", "warning", "error"]
HTTP, S3 = "^https?://", "^s3://[^/?#]+"
ORIGIN = r"^https?://[a-z0-9.\-]+(:[0-9]{1,5})?$"
ADDRESS = r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$(?!\n)"
RATE = r"^([1-9][0-9]{0,8}/[1-9][0-9]{0,6}|none)$(?!\n)"
IN_WORDS = {
    HTTP: "that begins with http:// or https://",
    S3: "such as s3://bucket",
    ORIGIN: "such as https://app.example.com",
    ADDRESS: "such as 10.0.0.7 or 10.0.0.0/8",
    RATE: "such as 60/30, for 60 at once and as many again in 30 seconds, or none",
}
"""What is said to whoever has set something that is not of this form."""
HttpUrl = Annotated[str, Meta(pattern=HTTP)]
Origin = Annotated[str, Meta(pattern=ORIGIN)]
"""Of a web page, as a browser says it: without a path, in lower case."""
Origins = tuple[Origin, ...]
Addresses = tuple[Annotated[str, Meta(pattern=ADDRESS)], ...]
"""Of machines, or of networks: `10.0.0.0/8`."""
REDIS_SCHEMES = ("redis", "rediss")
POSTGRES_SCHEMES = ("postgresql://", "postgres://")
PAGE = "index.html"
"""What a folder has that holds the built web client."""


class TurnSettings(Struct, frozen=True):
    """How long a turn may take, in seconds, and how much it may say. Variables: `TUTORHUB_TURN_…`."""

    first_token: Seconds = 30.0
    silence: Seconds = 15.0
    """Between two pieces of a reply."""
    whole: Seconds = 300.0
    reply_bytes: Annotated[int, Meta(ge=1, le=131_072)] = 65_536
    """What is longer is cut short; the schema takes no more than 131,072."""
    interruptions: Count = 3
    """So many lost instances, and a reply has failed."""
    provider_tries: Count = 3
    """While nothing was heard."""
    lease: Seconds = 6.0
    """For which a turn is its instance's, unless it is renewed."""
    keep_every: Seconds = 1.0
    keep_bytes: Count = 2_048
    """After so much new text, or so many seconds, the text is saved and the lease renewed."""
    due_every: Seconds = 2.0
    """How often turns are looked for that nobody writes."""
    merge: Annotated[float, Meta(ge=0, le=10)] = 0.04
    """For which pieces are gathered and told as one."""
    pending: Count = 20
    """Open replies of one session; beyond them sends are refused."""
    running: Count = 64
    """Replies that one instance writes at once."""


Rate = Annotated[str, Meta(pattern=RATE)]
"""`60/30`: 60 at once, and as many again in 30 seconds."""


class LimitSettings(Struct, frozen=True):
    """How much somebody may do. Variables: `TUTORHUB_LIMIT_…`; a rate of `none` is no limit."""

    commands: Rate = "400/20"
    """Of a user: commands and requests."""
    sends: Rate = "60/60"
    """Of a user: what the tutor is to answer."""
    tokens: Rate = "500000/86400"
    """Of a user: what the model has read and written for them, as the provider counts."""
    misses: Rate = "30/60"
    """Of a user: asking for what is not there."""
    uploads: Rate = "30/300"
    """Of a user: files."""
    sign_ins: Rate = "30/60"
    """Of an address: signing in, and tokens that are not good."""
    running: Annotated[int, Meta(ge=1, le=1_000)] = 3
    """Replies of a user that are written at once; more of them wait for their turn."""
    connections: Count = 20
    """Of a user."""
    connections_per_address: Count = 1_000
    """A school may have one address."""
    unauthenticated_per_address: Count = 20
    """Sockets that have not said who they are, of one address on one instance."""


class MediaSettings(Struct, frozen=True):
    """What is kept of pictures and sounds, and where. Variables: `TUTORHUB_MEDIA_…`."""

    dir: Path | None = None
    """Where they lie, or wait to be looked at; None: `media` in the data folder."""
    url: Annotated[str, Meta(pattern=S3)] | None = None
    """The bucket in which they lie, if they do not lie in the folder."""
    s3_endpoint: HttpUrl | None = None
    """Of a bucket that is not Amazon's."""
    file_bytes: Annotated[int, Meta(ge=1, le=50_000_000)] = 10_000_000
    user_bytes: Count = 200_000_000
    user_files: Count = 10_000
    pixels: Annotated[int, Meta(ge=1, le=25_000_000)] = 25_000_000
    """More do not fit into the memory that is allowed for a look."""
    audio_seconds: Seconds = 600.0
    orphan_hours: Annotated[float, Meta(gt=0, le=8_760)] = 24.0
    """For which a file is kept that no message names."""


class Settings(Struct, frozen=True, kw_only=True):
    """How this instance runs. Each has a variable of the same name, `TUTORHUB_…`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    data_dir: Path
    database_url: str | None = None
    replica_urls: str | None = None
    """Of copies of the database that follow it, with spaces between them: some reads go there."""
    redis_url: str | None = None
    encryption_keys: str | None = None
    """A key ring, see key_ring.py. None: nothing is sealed."""
    roles: Roles = "hub,tutor"
    drain: Annotated[float, Meta(ge=0, le=25)] = 10.0
    """Seconds for devices and replies to leave in."""
    pool_size: Annotated[int, Meta(ge=2, le=200)] = 8
    jwt_secret: Annotated[str, Meta(min_length=32)] | None = None
    jwks_url: HttpUrl | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    dev_sign_in: bool = False
    origins: Origins = ()
    """Of pages at other addresses that may talk to the hub."""
    trusted_proxies: Addresses = ()
    """Whose word is taken for where a request comes from (`X-Forwarded-For`, `X-Forwarded-Proto`)."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    openai_base_url: HttpUrl | None = None
    openai_api_key: str | None = None
    openai_model: str | None = None
    openai_prefill: bool = False
    openai_images: bool = False
    openai_transcription_model: str | None = None
    history_tokens: Count = 3_000
    local_model: Path | None = None
    log_level: Level = "info"
    web_dir: Path | None = None
    """Of the built web client; None: there is none, and the API alone is served."""
    turns: TurnSettings = TurnSettings()
    limits: LimitSettings = LimitSettings()
    media: MediaSettings = MediaSettings()

    @property
    def media_dir(self) -> Path:
        return self.media.dir or self.data_dir / "media"


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
