"""The adapter to an OpenAI-compatible endpoint, over real sockets.

Long because every way in which a provider can fail is one short test.
"""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, asynccontextmanager
from itertools import repeat
from typing import Any

import httpx2
import pytest

from protocol.model import TutorName, Usage
from server.lesson import Lesson, Utterance
from server.tutor.direct import Direct
from server.tutor.openai import AFTERWORD_SECONDS, OpenAITutor, streaming_client
from server.tutor.tutor import Piece, TutorFailed
from tests.provider import CUT, END, HOLD, Finish, Provider, Raw, Refuse, fails, piece, provider, request_of, said

KEY = "sk-secret-0123456789"
LESSON = Lesson(mode="learn", language="de", history=[Utterance("user", "Was ist 2 + 3?")])
UNREADABLE = Raw(b'data: {"choices": [{"delta": {"content": "lost"\n\n')


@asynccontextmanager
async def asked(script: Any, **options: Any) -> AsyncGenerator[tuple[OpenAITutor, Provider]]:
    async with provider(script, **options) as it, OpenAITutor(it.base_url, api_key=KEY, model="m") as tutor:
        yield tutor, it


async def pieces_of(script: Any, **options: Any) -> list[Piece]:
    async with asked(script, **options) as (tutor, _):
        return [piece async for piece in tutor.reply(LESSON)]


async def text_from(tutor: OpenAITutor, question: str = "?") -> str:
    lesson = Lesson(mode="fun", language="en", history=[Utterance("user", question)])
    return "".join([piece.text async for piece in tutor.reply(lesson)])


async def text_of(script: Any, **options: Any) -> str:
    return "".join(piece.text for piece in await pieces_of(script, **options))


async def failure_of(script: Any) -> TutorFailed:
    with pytest.raises(TutorFailed) as failed:
        await pieces_of(script)
    return failed.value


def delta(content: str) -> Raw:
    """An event whose JSON escapes everything beyond ASCII."""
    return Raw(b"data: " + json.dumps({"choices": [{"delta": {"content": content}}]}).encode() + b"\n\n")


async def test_a_reply_comes_piece_by_piece_and_ends_with_what_it_used() -> None:
    pieces = await pieces_of(["Was ", "denkst ", "du?"])
    assert [piece.text for piece in pieces] == ["Was ", "denkst ", "du?", ""]
    assert pieces[-1] == Piece(usage=Usage(prompt_tokens=7, completion_tokens=3))


async def test_the_provider_is_asked_for_a_stream_with_usage_and_given_prompt_history_and_key() -> None:
    async with asked(["ja"]) as (tutor, it):
        _ = [piece async for piece in tutor.reply(LESSON)]
    [request] = it.requests
    assert (request["model"], request["stream"], request["stream_options"]) == ("m", True, {"include_usage": True})
    assert "German (de)" in request["messages"][0]["content"]
    assert said(request) == "Was ist 2 + 3?"
    assert it.keys == [f"Bearer {KEY}"]


async def test_the_first_words_wait_for_nothing_and_what_follows_is_gathered() -> None:
    role = Raw(b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n')
    loop = asyncio.get_running_loop()
    async with (
        provider([role, "Was ", HOLD, "denkst ", "du?", HOLD]) as it,
        OpenAITutor(it.base_url, model="m", gather=lambda: 0.5) as tutor,
        aclosing(tutor.reply(LESSON)) as pieces,
    ):
        began = loop.time()
        assert (await anext(pieces)).text == "Was "
        assert loop.time() - began < 0.4
        await it.held()
        it.release()
        assert (await anext(pieces)).text == "denkst du?"
        assert loop.time() - began >= 0.5


async def test_what_was_said_is_given_though_an_error_comes_with_it() -> None:
    async with (
        provider([Raw(piece("Was ") + fails().data)]) as it,
        OpenAITutor(it.base_url, model="m") as tutor,
        aclosing(tutor.reply(LESSON)) as pieces,
    ):
        assert (await anext(pieces)).text == "Was "
        with pytest.raises(TutorFailed, match="broke off"):
            await anext(pieces)


async def test_a_piece_is_given_before_the_next_is_written() -> None:
    async with asked(["Fünf", HOLD, "!"]) as (tutor, it), aclosing(tutor.reply(LESSON)) as pieces:
        assert (await anext(pieces)).text == "Fünf"
        await it.held()
        it.release()
        assert (await anext(pieces)).text == "!"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_address_may_end_in_a_slash(slash: str) -> None:
    async with provider(["ja"]) as it, OpenAITutor(it.base_url + slash, model="m") as tutor:
        assert [piece.text async for piece in tutor.reply(LESSON)] == ["ja", ""]
        assert it.keys == [None]


async def test_without_a_model_the_first_one_offered_is_asked_for_once_and_gives_its_name() -> None:
    async with provider(["ja"]) as it, OpenAITutor(it.base_url) as tutor:
        assert tutor.name.name == "127.0.0.1"
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(text_from(tutor))
        assert {request["model"] for request in it.requests} == {"test-model"}
        assert it.asked_for_models == 1
        assert tutor.name.name == "test-model"


async def test_a_given_name_and_a_given_client_are_kept() -> None:
    name = TutorName(name="Ada", local=True, note="n")
    async with httpx2.AsyncClient() as client, provider(["ja"]) as it:
        async with OpenAITutor(it.base_url, client=client, name=name) as tutor:
            _ = [piece async for piece in tutor.reply(LESSON)]
            assert tutor.name == name
        assert not client.is_closed


async def test_characters_split_across_reads_arrive_whole() -> None:
    assert await text_of(["Größe: ", "日本語 🎉"], byte_by_byte=True) == "Größe: 日本語 🎉"


X = b'data: {"choices":[{"delta":{"content":"x"}}]}'


@pytest.mark.parametrize(
    "raw",
    [
        b'data:{"choices":[{"delta":{"content":"x"}}]}\n\n',
        X + b"\r\n\r\n",
        b": hello\n\n\n\nevent: ping\ndata: {}\n\n" + X + b"\n\n",
        b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n' + X + b"\n\n",
        b'data: {"choices":[{"delta":null,"finish_reason":""}],"usage":null}\n\n' + X + b"\n\n",
        b'data: {"choices":null}\n\ndata: {"id":1,"choices":[{"logprobs":null,"delta":{"tool":[]}}]}\n\n' + X + b"\n\n",
        b'data: {"bad\n\ndata: []\n\ndata: 1\n\ndata: ' + b"[" * 100_000 + b"\n\n" + X + b"\n\n",
        b'data: {"choices":[{"delta":{"content":5}}]}\n\ndata: \xff\xfe\n\n' + X + b"\n\n",
    ],
)
async def test_every_way_to_write_an_event_is_read_and_what_cannot_be_read_is_skipped(raw: bytes) -> None:
    assert await text_of([Raw(raw)]) == "x"
    assert await text_of([Raw(raw)], byte_by_byte=len(raw) < 1_000) == "x"


async def test_what_postgresql_cannot_store_never_comes_out() -> None:
    assert (
        await text_of([delta("a\0b"), delta("\ud83d"), delta("\ude00 "), delta("\ude00x\ud83d")])
        == "ab😀 \ufffdx\ufffd"
    )


async def test_a_reply_that_the_provider_cuts_at_its_limit_says_so() -> None:
    assert (await pieces_of(["Und dann", Finish("length")]))[-1].truncated
    assert not (await pieces_of(["Und dann"]))[-1].truncated


async def test_a_stream_may_end_with_done_alone_or_with_a_reason_alone() -> None:
    assert await text_of(["ja", Raw(b"data: [DONE]\n\n"), END]) == "ja"
    assert await text_of(["ja", Raw(b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'), CUT]) == "ja"


async def test_a_provider_that_lingers_after_the_end_does_not_hold_the_reply_up() -> None:
    async with asked(["ja", Raw(b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'), HOLD]) as (tutor, it):
        async with asyncio.timeout(AFTERWORD_SECONDS + 5):
            assert [piece.text async for piece in tutor.reply(LESSON)] == ["ja", ""]
        await it.disconnected()


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (["ja", END], "provider_cut"),
        (["ja", CUT], "provider_cut"),
        ([CUT], "provider_cut"),
        ([END], "provider_cut"),
        ([], "provider_empty"),
        ([UNREADABLE, UNREADABLE, END], "provider_malformed"),
        ([UNREADABLE], "provider_malformed"),
        (["ja", fails("overloaded")], "provider_error"),
        ([Raw(b"data: " + b"x" * 1_100_000)], "provider_malformed"),
        (["ja", Raw(b"data: x\n" * 200_000)], "provider_malformed"),
        ([Refuse(200)], "provider_malformed"),
    ],
)
async def test_a_stream_that_is_broken_fails_and_may_be_tried_again(steps: list[Any], code: str) -> None:
    failure = await failure_of(steps)
    assert (failure.code, failure.retryable) == (code, True)


async def test_what_was_said_before_a_cut_is_given() -> None:
    async with asked(["Was ", "denkst", CUT]) as (tutor, _), aclosing(tutor.reply(LESSON)) as pieces:
        assert [(await anext(pieces)).text, (await anext(pieces)).text] == ["Was ", "denkst"]
        with pytest.raises(TutorFailed):
            await anext(pieces)


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "provider_refused", False),
        (401, "provider_auth", False),
        (403, "provider_auth", False),
        (404, "provider_model", False),
        (429, "provider_busy", True),
        (500, "provider_error", True),
        (503, "provider_error", True),
        (307, "provider_refused", False),
    ],
)
async def test_a_refusal_says_whether_to_try_again(status: int, code: str, retryable: bool) -> None:
    failure = await failure_of([Refuse(status)])
    assert (failure.code, failure.retryable) == (code, retryable)


async def test_a_refused_key_names_its_setting_and_not_the_key() -> None:
    failure = await failure_of([Refuse(401, f"Incorrect API key provided: {KEY}")])
    assert "OPENAI_API_KEY" in failure.detail
    assert "secret" not in failure.detail


@pytest.mark.parametrize(
    "step", [Refuse(500, f"key {KEY}\r\n\x1b[31m" + "x" * 9_000), fails(f"sk-other {KEY}\0" + "y" * 9_000)]
)
async def test_the_words_of_a_provider_are_made_short_and_clean(step: Any) -> None:
    failure = await failure_of([step])
    assert len(failure.detail) < 300
    assert failure.detail.isprintable()
    assert "secret" not in failure.detail
    assert "sk-" not in failure.detail


async def test_a_provider_that_is_not_there_is_unreachable() -> None:
    async with provider([]) as it:
        gone = it.base_url
    async with OpenAITutor(gone, model="m") as tutor:
        with pytest.raises(TutorFailed) as failed:
            await anext(tutor.reply(LESSON))
    assert (failed.value.code, failed.value.retryable) == ("provider_unreachable", True)


async def test_what_follows_done_is_not_waited_for() -> None:
    async with asked(["ja", Raw(b"data: [DONE]\n\n"), HOLD]) as (tutor, it):
        async with asyncio.timeout(AFTERWORD_SECONDS / 2):
            assert [piece.text async for piece in tutor.reply(LESSON)] == ["ja", ""]
        await it.disconnected()


async def test_a_provider_that_closes_a_connection_it_promised_to_keep_harms_no_reply() -> None:
    gone: asyncio.Queue[None] = asyncio.Queue()

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path, _, _ = await request_of(reader)
        body = b'{"data":[{"id":"m"}]}' if path == "/models" else X + b"\n\ndata: [DONE]\n\n"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await reader.read(1)
        writer.close()
        await writer.wait_closed()
        gone.put_nowait(None)

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    async with server, OpenAITutor(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as tutor:
        assert [await text_from(tutor) for _ in range(3)] == ["x", "x", "x"]
        for _ in range(4):
            await gone.get()


async def test_a_provider_that_compresses_although_nobody_asked_for_it_is_read() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
        writer.write(head + gzip.compress(X + b"\n\ndata: [DONE]\n\n"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, OpenAITutor(address, model="m") as tutor:
        assert await text_from(tutor) == "x"


async def test_closing_a_reply_closes_the_connection_at_once() -> None:
    async with asked(["Was ", HOLD]) as (tutor, it):
        pieces = tutor.reply(LESSON)
        await anext(pieces)
        await it.held()
        assert it.open == 1
        await pieces.aclose()
        await it.disconnected()
        await it.until(lambda: it.open == 0)


async def test_closing_an_endless_reply_closes_the_connection() -> None:
    async with asked(endless) as (tutor, it):
        async with aclosing(tutor.reply(LESSON)) as pieces:
            for _ in range(100):
                await anext(pieces)
        await it.disconnected()


@pytest.mark.parametrize("steps", [[HOLD], ["Was ", HOLD]])
async def test_cancelling_who_waits_for_a_piece_closes_the_connection(steps: list[Any]) -> None:
    async with asked(steps) as (tutor, it), asyncio.TaskGroup() as group:

        async def read() -> None:
            async with aclosing(tutor.reply(LESSON)) as pieces:
                async for _ in pieces:
                    pass

        reading = group.create_task(read())
        await it.held()
        reading.cancel()
        await it.disconnected()


async def test_many_replies_run_at_once_over_one_tutor() -> None:
    async with asked(echo_and_hold) as (tutor, it), asyncio.TaskGroup() as group:
        running = [group.create_task(text_from(tutor, str(number))) for number in range(120)]
        await it.held(120)
        it.release()
    assert [task.result() for task in running] == [str(number) for number in range(120)]


def echo_and_hold(request: dict[str, Any]) -> Iterable[Any]:
    return [said(request), HOLD]


def endless(_request: dict[str, Any]) -> Iterable[Any]:
    return repeat("und ")


@pytest.mark.parametrize(
    ("environment", "host", "direct"),
    [
        ({}, "api.example.com", True),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "api.example.com", False),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "127.0.0.1", True),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "api.example.com"}, "api.example.com", True),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "*"}, "api.example.com", True),
    ],
)
async def test_who_has_a_proxy_is_asked_through_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str, direct: bool
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with streaming_client(host) as client:
        assert isinstance(client._transport, Direct) == direct
