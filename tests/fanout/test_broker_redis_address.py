"""Where a Redis is, and how it lets an instance in, is in its URL."""

import ssl
from pathlib import Path
from typing import cast

import pytest

from server.errors import StartupError
from server.fanout.broker_redis import RedisBroker
from tests.edge.sockets import certified
from tests.fanout.instances import ADA, DEPLOYMENT, ORIGIN, REPLY, SESSION, changed, instance, pair, token
from tests.redis_server import RedisServer, redis_server
from tests.relay import relay


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@127.0.0.1",
        "redis://u:hunter2@127.0.0.1:port",
        "redis://u:hunter2@127.0.0.1:99999",
        "redis://u:hunter2@127.0.0.1/0?nonsense=1",
        "redis://u:hunter2@[::1/0",
        "redis://u:hunter2@127.0.0.1/0?db=hunter2",
        "rediss://u:hunter2@127.0.0.1/0?ssl_ca_certs=/nonexistent",
        "hunter2",
        "",
    ],
)
def test_a_url_that_is_none_is_told_in_one_line_without_its_password(url: str) -> None:
    with pytest.raises(StartupError) as told:
        RedisBroker(url, "a", DEPLOYMENT)
    assert "\n" not in str(told.value)
    assert "hunter2" not in str(told.value)
    assert "TUTORHUB_REDIS_URL" in str(told.value)


async def test_the_password_and_the_database_are_in_the_url() -> None:
    with redis_server("--requirepass", "s3cret/?") as server:
        async with pair(server.url.replace("//", "//:s3cret%2F%3F@") + "/3") as (teller, listener):
            teller.broker.tell_live(ADA, SESSION, token(0, "a"))
            await listener.ears.until_heard(ADA, SESSION, token(0, "a").data)
            assert await listener.broker.draft(ADA, REPLY, 1) is not None
        keyspace = cast("dict[str, object]", server.run_as("s3cret/?", "INFO", "keyspace"))
        assert list(keyspace) == ["db3"]


async def test_a_wrong_password_is_tried_until_it_is_right(server: RedisServer) -> None:
    server.run("CONFIG", "SET", "requirepass", "right")
    async with instance(server.url.replace("//", "//:wrong@"), well=False) as late:
        await late.ears.until_heard("unwell")
        server.run_as("right", "CONFIG", "SET", "requirepass", "wrong")
        await late.until_well()


async def test_it_may_be_a_socket_of_this_machine(tmp_path: Path) -> None:
    where = tmp_path / "redis"
    with redis_server("--unixsocket", str(where)):
        async with pair(f"unix://{where}?db=2") as (teller, listener):
            teller.broker.tell(ADA, ORIGIN, changed())
            await listener.ears.until_heard(ADA, ORIGIN, changed().data)


async def test_rediss_speaks_tls_and_trusts_only_whom_the_url_says(server: RedisServer, tmp_path: Path) -> None:
    certificate, its_key, _ = certified(tmp_path)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate, its_key)
    async with relay(server.port, trust) as network:
        url = network.url.replace("http", "rediss")
        async with pair(f"{url}?ssl_ca_certs={certificate}", server.url) as (teller, listener):
            teller.broker.tell(ADA, ORIGIN, changed())
            await listener.ears.until_heard(ADA, ORIGIN, changed().data)
        async with instance(url, well=False) as stranger:
            await stranger.ears.until_heard("unwell")
