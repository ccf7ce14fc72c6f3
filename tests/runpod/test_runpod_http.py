"""The wire: questions are asked again with patience, changes are sent once, the key stays here."""

from __future__ import annotations

import gzip
import logging

import anyio
import httpx2
import pytest
from pydantic import SecretStr
from runpod_helpers import KEY, FakeRunpod, answer

from runpod_mcp import __version__
from runpod_mcp.clock import SteppedClock
from runpod_mcp.errors import Code, Failure
from runpod_mcp.runpod.http import Patience, Timeouts, Wire
from runpod_mcp.runpod.sent import Answer, Lost, NotSent

BROKEN = [
    httpx2.ReadError("gone"),
    httpx2.ReadTimeout("slow"),
    httpx2.WriteError("half"),
    httpx2.WriteTimeout("half"),
    httpx2.RemoteProtocolError("cut"),
    httpx2.DecodingError("not gzip"),
    OSError("pipe"),
    RuntimeError("the app behind the transport crashed"),
]
NEVER_LEFT = [httpx2.ConnectError("refused"), httpx2.ConnectTimeout("far"), httpx2.PoolTimeout("busy")]


def wire(
    fake: FakeRunpod,
    clock: SteppedClock | None = None,
    *,
    patience: Patience | None = None,
    max_bytes: int = 20_000_000,
) -> Wire:
    return Wire(
        "https://x.test/v2/",
        SecretStr(KEY),
        clock or SteppedClock(),
        transport=fake.transport,
        patience=patience or Patience(jitter=lambda: 1.0),
        max_bytes=max_bytes,
    )


async def test_a_request_carries_the_key_and_our_own_user_agent() -> None:
    fake = FakeRunpod(answer(200, {}))
    await wire(fake).read("/pods")
    assert fake.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert fake.requests[0].headers["user-agent"] == f"runpod-mcp/{__version__}"


async def test_an_unavailable_server_is_asked_again_with_growing_pauses() -> None:
    fake, clock = (
        FakeRunpod(answer(503), answer(500), httpx2.ReadError("x"), answer(200, [1])),
        SteppedClock(),
    )
    began = clock.now()
    found = await wire(fake, clock).read("/pods")
    assert (found.status, found.body, len(fake.calls)) == (200, [1], 4)
    assert (clock.now() - began).total_seconds() == 0.5 + 1 + 2


async def test_jitter_halves_a_pause_at_most() -> None:
    clock = SteppedClock()
    began = clock.now()
    await wire(FakeRunpod(answer(503), answer(200, {})), clock, patience=Patience(jitter=lambda: 0.0)).read(
        "/pods"
    )
    assert (clock.now() - began).total_seconds() == 0.25


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 409, 410, 422])
async def test_an_answer_that_will_not_change_is_not_asked_for_again(status: int) -> None:
    fake = FakeRunpod(answer(status))
    assert (await wire(fake).read("/pods")).status == status
    assert len(fake.calls) == 1


async def test_retry_after_is_waited_out() -> None:
    fake, clock = FakeRunpod(answer(429, {}, Retry_After="7"), answer(200, {})), SteppedClock()
    began = clock.now()
    assert (await wire(fake, clock).read("/pods")).ok
    assert (clock.now() - began).total_seconds() == 7


async def test_the_longest_exhausted_window_counts_beside_retry_after() -> None:
    limits = '"minute";r=0;t=12, "hour";r=0;t=15, "day";r=9;t=45012'
    fake, clock = (
        FakeRunpod(answer(429, {}, Retry_After="3", RateLimit=limits), answer(200, {})),
        SteppedClock(),
    )
    began = clock.now()
    assert (await wire(fake, clock).read("/pods")).ok
    assert (clock.now() - began).total_seconds() == 15


async def test_a_wait_that_is_not_worth_it_gives_the_answer_back_at_once() -> None:
    fake, clock = FakeRunpod(answer(429, {}, Retry_After="21")), SteppedClock()
    began = clock.now()
    assert (await wire(fake, clock).read("/pods")).status == 429
    assert (clock.now(), len(fake.calls)) == (began, 1)


async def test_all_waits_together_stay_within_the_patience() -> None:
    fake, clock = FakeRunpod(answer(429, {}, Retry_After="9")), SteppedClock()
    began = clock.now()
    await wire(fake, clock).read("/pods")
    assert ((clock.now() - began).total_seconds(), len(fake.calls)) == (18, 3)


@pytest.mark.parametrize("error", [*BROKEN, *NEVER_LEFT], ids=repr)
async def test_a_question_without_any_answer_fails_as_unavailable(error: Exception) -> None:
    fake = FakeRunpod(error)
    with pytest.raises(Failure) as caught:
        await wire(fake).read("/pods")
    assert (caught.value.code, len(fake.calls)) == (Code.RUNPOD_UNAVAILABLE, 4)


@pytest.mark.parametrize("error", BROKEN, ids=repr)
async def test_a_change_whose_line_breaks_is_lost_and_sent_once(error: Exception) -> None:
    fake = FakeRunpod(error)
    assert isinstance(await wire(fake).send("POST", "/pods", body={}), Lost)
    assert len(fake.calls) == 1


@pytest.mark.parametrize("error", NEVER_LEFT, ids=repr)
async def test_a_change_without_a_connection_was_never_sent(error: Exception) -> None:
    sent = await wire(FakeRunpod(error)).send("POST", "/pods", body={})
    assert isinstance(sent, NotSent)
    assert sent.code is Code.RUNPOD_UNAVAILABLE


@pytest.mark.parametrize("status", [307, 408, 429, 500, 503])
async def test_a_change_is_never_sent_again_whatever_the_answer(status: int) -> None:
    fake = FakeRunpod(answer(status, {}, Retry_After="1", Location="https://elsewhere.test/v2/pods"))
    sent = await wire(fake).send("POST", "/pods", body={})
    assert isinstance(sent, Answer)
    assert (sent.status, len(fake.calls)) == (status, 1)


async def test_a_question_does_not_follow_a_redirect_with_the_key() -> None:
    fake = FakeRunpod(answer(302, None, Location="https://elsewhere.test/"))
    assert (await wire(fake).read("/pods")).status == 302
    assert [one.url.host for one in fake.requests] == ["x.test"]


async def test_a_change_that_hangs_is_lost_at_its_deadline() -> None:
    async def hang(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    hanging = Wire("https://x.test", SecretStr(KEY), SteppedClock(), transport=httpx2.MockTransport(hang))
    with anyio.fail_after(5):
        sent = await hanging.send("POST", "/pods", body={}, deadline=0.01)
    assert sent == Lost("no answer within 0.01 seconds")


async def test_without_a_key_nothing_is_sent() -> None:
    fake = FakeRunpod(answer(200, {}))
    keyless = Wire("https://x.test", None, SteppedClock(), transport=fake.transport)
    with pytest.raises(Failure, match="RUNPOD_API_KEY") as caught:
        await keyless.read("/pods")
    sent = await keyless.send("POST", "/pods")
    assert isinstance(sent, NotSent)
    assert (caught.value.code, sent.code, fake.calls) == (Code.UNAUTHORIZED, Code.UNAUTHORIZED, [])


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>oops</html>", b'{"id": "abc"', b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000],
    ids=["empty", "html", "cut", "binary", "deep", "long"],
)
async def test_a_body_that_is_no_json_is_none(content: bytes) -> None:
    got = await wire(FakeRunpod(httpx2.Response(201, content=content))).send("POST", "/pods")
    assert isinstance(got, Answer)
    assert got.body is None
    assert len(got.text) <= 2000


async def test_numbers_that_json_does_not_have_are_none() -> None:
    content = b'{"a": NaN, "b": Infinity, "c": -Infinity}'
    got = await wire(FakeRunpod(httpx2.Response(200, content=content))).read("/x")
    assert got.body == {"a": None, "b": None, "c": None}


async def test_a_huge_body_is_not_read_to_its_end() -> None:
    packed = gzip.compress(b" " * 5_000_000)
    fake = FakeRunpod(lambda _: httpx2.Response(200, content=packed, headers={"content-encoding": "gzip"}))
    got = await wire(fake, max_bytes=100_000).read("/pods")
    assert (got.body, got.text) == (None, "(a body too large to read)")


async def test_what_cannot_be_written_as_json_is_not_sent() -> None:
    fake = FakeRunpod(answer(200, {}))
    sent = await wire(fake).send("POST", "/pods", body={"x": float("nan")})
    assert isinstance(sent, NotSent)
    assert (sent.code, fake.calls) == (Code.INVALID_REQUEST, [])
    with pytest.raises(Failure) as caught:
        await wire(fake).read("/pods", question={"x": object()})
    assert (caught.value.code, fake.calls) == (Code.INVALID_REQUEST, [])


async def test_half_a_surrogate_pair_in_a_body_still_travels() -> None:
    fake = FakeRunpod(answer(200, {}))
    await wire(fake).send("POST", "/pods", body={"name": "\ud800"})
    assert fake.body() == {"name": "\ud800"}


async def test_the_key_is_in_no_repr_exception_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = FakeRunpod(
        lambda request: httpx2.Response(500, text=f"you sent {request.headers['authorization']}")
    )
    connection = wire(echo)
    got = await connection.read("/pods")
    failing = wire(FakeRunpod(httpx2.LocalProtocolError(f"illegal header Bearer {KEY}")))
    lost = await failing.send("POST", "/pods")
    with pytest.raises(Failure) as caught:
        await failing.read("/pods")
    shown = f"{connection!r} {vars(connection)} {got!r} {got.text} {lost!r} {caught.value!r} {caplog.text}"
    assert KEY not in shown
    assert caught.value.__cause__ is None


async def test_a_closed_wire_may_never_have_been_used() -> None:
    unused = wire(FakeRunpod(answer()))
    await unused.close()
    used = wire(FakeRunpod(answer(200, {})))
    await used.read("/x")
    await used.close()


async def test_a_transport_of_ours_is_asked_for_no_retries() -> None:
    real = Wire("https://x.test", SecretStr(KEY), SteppedClock(), timeouts=Timeouts(connect=1))
    pool = real._client._transport._pool  # type: ignore[attr-defined]
    assert pool._retries == 0
    await real.close()


async def test_a_change_is_sent_again_after_a_short_wait_that_runpod_asks_for() -> None:
    fake, clock = FakeRunpod(answer(429, {}, Retry_After="7"), answer(204, None)), SteppedClock()
    began = clock.now()
    sent = await wire(fake, clock).send_when_let("DELETE", "/pods/abc")
    assert isinstance(sent, Answer)
    assert sent.status == 204
    assert ((clock.now() - began).total_seconds(), len(fake.calls)) == (7, 2)


@pytest.mark.parametrize("headers", [{"Retry_After": "11"}, {}])
async def test_a_change_whose_wait_is_long_or_unknown_is_the_callers_to_put_off(
    headers: dict[str, str],
) -> None:
    fake, clock = FakeRunpod(answer(429, {}, **headers)), SteppedClock()
    began = clock.now()
    sent = await wire(fake, clock).send_when_let("DELETE", "/pods/abc")
    assert isinstance(sent, Answer)
    assert sent.status == 429
    assert (clock.now(), len(fake.calls)) == (began, 1)


async def test_a_change_whose_answer_was_lost_is_not_sent_again() -> None:
    fake, clock = FakeRunpod(answer(500, {})), SteppedClock()
    sent = await wire(fake, clock).send_when_let("POST", "/pods/abc/action", body={"action": "start"})
    assert isinstance(sent, Answer)
    assert len(fake.calls) == 1
