"""Log streams: what is kept of them, and where reading stops."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import anyio
import httpx2
import pytest
from runpod_helpers import KEY, V1, FakeRunpod, answer, api, problem

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.runpod.event_stream import End, Heard, Limits, hear


async def pieces(*chunks: bytes, then: str = "end") -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then == "silence":
        await anyio.sleep_forever()
    if then == "break":
        raise httpx2.ReadError("gone")


def event(line: str, source: str = "container", ts: str = "2026-11-23T12:00:00.5Z") -> bytes:
    return f"id: {ts}/1\ndata: {json.dumps({'ts': ts, 'source': source, 'line': line})}\n\n".encode()


def stream(*chunks: bytes, then: str = "end") -> httpx2.Response:
    return httpx2.Response(
        200, headers={"Content-Type": "text/event-stream; charset=utf-8"}, content=pieces(*chunks, then=then)
    )


def streaming(*chunks: bytes, then: str = "end") -> FakeRunpod:
    return FakeRunpod(lambda _: stream(*chunks, then=then))


async def test_lines_come_oldest_first_with_time_and_source() -> None:
    fake = streaming(b": welcome\n\n", event("one"), event("two", "system"))
    logs = await api(fake).read_logs("abc", tail=7)
    assert [(line.text, line.source, line.at) for line in logs.lines] == [
        ("one", "container", datetime(2026, 11, 23, 12, 0, 0, 500000, UTC)),
        ("two", "system", datetime(2026, 11, 23, 12, 0, 0, 500000, UTC)),
    ]
    assert logs.end is End.ENDED
    assert fake.calls == ["GET /v2/pods/abc/logs?tail=7"]
    assert fake.requests[0].headers["accept"] == "text/event-stream"


async def test_a_time_to_go_on_from_takes_the_place_of_the_tail() -> None:
    fake = streaming(event("one"))
    since = datetime(2026, 11, 23, 12, 0, 0, 500000, UTC)
    await api(fake).read_logs("a/b", since=since, source="system")
    assert fake.calls == ["GET /v2/pods/a%2Fb/logs?since=2026-11-23T12%3A00%3A00.500000Z&source=system"]


@pytest.mark.parametrize(("asked", "sent"), [(0, 1), (-3, 1), (9000, 5000)])
async def test_a_tail_outside_the_documents_range_is_brought_into_it(asked: int, sent: int) -> None:
    fake = streaming(event("one"))
    await api(fake).read_logs("abc", tail=asked)
    assert fake.calls == [f"GET /v2/pods/abc/logs?tail={sent}"]


async def test_no_more_lines_are_read_than_were_asked_for() -> None:
    fake = streaming(*[event(str(n)) for n in range(9)], then="silence")
    logs = await api(fake).read_logs("abc", tail=3)
    assert [line.text for line in logs.lines] == ["0", "1", "2"]
    assert logs.end is End.EVENTS


async def test_a_stream_that_breaks_off_keeps_what_came_before() -> None:
    logs = await api(streaming(event("one"), then="break")).read_logs("abc")
    assert ([line.text for line in logs.lines], logs.end) == (["one"], End.BROKEN)


async def test_a_stream_that_breaks_before_its_first_line_is_asked_for_again() -> None:
    fake = FakeRunpod(lambda _: stream(then="break"), lambda _: stream(event("one")))
    logs = await api(fake).read_logs("abc")
    assert ([line.text for line in logs.lines], len(fake.requests)) == (["one"], 2)


async def test_a_line_is_data_without_control_characters_colors_or_our_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = streaming(event(f"\x1b[31mred\x1b[0m\x00 {KEY} \u202eend{'x' * 9000}"))
    logs = await api(fake).read_logs("abc")
    found = logs.lines[0].text
    assert found.startswith("red  [key]  end")
    assert len(found) == 2000
    assert "red" not in repr(logs) + caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        [b"data: not json\n\n"],
        [b'data: ["line"]\n\n'],
        [b'data: {"line": 3}\n\n'],
        [b"data: " + b"[" * 100_000 + b"\n\n"],
    ],
)
async def test_a_stream_of_nothing_but_garbage_is_no_log(garbage: list[bytes]) -> None:
    with pytest.raises(Failure, match="could not be read"):
        await api(streaming(*garbage)).read_logs("abc")


async def test_a_line_that_cannot_be_read_is_passed_over() -> None:
    logs = await api(streaming(b"data: {}\n\n", event("one"))).read_logs("abc")
    assert [line.text for line in logs.lines] == ["one"]


async def test_a_pod_that_wrote_nothing_has_no_lines() -> None:
    assert (await api(streaming()).read_logs("abc")).lines == ()


async def test_an_answer_that_is_no_stream_is_no_log() -> None:
    with pytest.raises(Failure, match="could not be read"):
        await api(FakeRunpod(answer(200, {"line": "x"}))).read_logs("abc")


async def test_logs_of_a_pod_that_is_not_there_are_none() -> None:
    assert await api(FakeRunpod(problem(404, "pod not found"))).read_logs("abc") is None
    assert await api(FakeRunpod(answer(200))).read_logs("..") is None


async def test_a_key_that_may_not_read_logs_is_told_so() -> None:
    with pytest.raises(Failure) as caught:
        await api(FakeRunpod(problem(403, "access denied"))).read_logs("abc")
    assert caught.value.code is Code.UNAUTHORIZED


async def test_v1_has_no_logs_and_says_where_there_are_some() -> None:
    fake = FakeRunpod(answer(200))
    with pytest.raises(Failure, match="v1 API has no logs; set RUNPOD_API_URL") as caught:
        await api(fake, V1).read_logs("abc")
    assert (caught.value.retry, fake.calls) == (Retry.NEVER, [])


async def heard(*chunks: bytes, then: str = "end", **limits: float) -> Heard:
    with anyio.fail_after(5):
        return await hear(pieces(*chunks, then=then), Limits(**limits))  # type: ignore[arg-type]


async def test_silence_ends_listening_before_the_time_is_up() -> None:
    got = await heard(b"data: a\n\n", then="silence", quiet=0.01, seconds=4)
    assert (got.events, got.end) == (("a",), End.QUIET)


async def test_the_time_that_is_up_ends_listening() -> None:
    got = await heard(b"data: a\n\n", then="silence", quiet=4, seconds=0.01)
    assert (got.events, got.end) == (("a",), End.SECONDS)


async def test_a_stream_that_never_pauses_ends_with_the_time_too() -> None:
    assert (await heard(*[b":"] * 9, then="silence", seconds=0)).end is End.SECONDS


async def test_a_line_without_an_end_stops_at_the_bytes() -> None:
    got = await heard(b"data: a\n\ndata: ", *[b"x" * 50] * 100, bytes=200)
    assert (got.events, got.end) == (("a",), End.BYTES)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_every_line_end_is_one_however_the_stream_is_cut(end: bytes, size: int) -> None:
    lines = ["\ufeffdata:a", "data: ä", "event: x", "", "", "data", "", "retry: 3", "data: last"]
    whole = end.join(line.encode() for line in lines)
    got = await heard(*[whole[place : place + size] for place in range(0, len(whole), size)])
    assert got == Heard(("a\nä", "", "last"), End.ENDED)
