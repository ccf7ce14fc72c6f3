"""From a URL and a key to a dialect, or to words about what is wrong with them."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from runpod_helpers import KEY, FakeRunpod, answer

from runpod_mcp.clock import SteppedClock
from runpod_mcp.errors import Code, Failure
from runpod_mcp.runpod.connect import connect, dialect_of, graphql_url


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("https://api.runpod.io/v2", "v2"),
        ("https://api.runpod.io/v2/", "v2"),
        ("https://rest.runpod.io/v1", "v1"),
        (" https://rest.runpod.io/v1\n", "v1"),
        ("https://gateway.example.com/runpod/v1", "v1"),
        ("http://127.0.0.1:8000/v2", "v2"),
        ("http://localhost:8000/v1", "v1"),
        ("http://[::1]:8000/v2", "v2"),
        ("http://simulator/v2", "v2"),
    ],
)
def test_the_last_segment_decides(url: str, dialect: str) -> None:
    assert dialect_of(url) == dialect
    assert connect(url, None, SteppedClock()).dialect == dialect


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://api.runpod.io", "/v2"),
        ("https://api.runpod.io/v3", "/v2"),
        ("https://api.runpod.io/v2/pods", "/v1"),
        ("https://api.runpod.io/graphql", "/v2"),
        ("http://api.runpod.io/v2", "https://"),
        ("http://127.0.0.1.example.com/v2", "https://"),
        ("http://10.0.0.1/v2", "https://"),
        ("ftp://api.runpod.io/v2", "URL"),
        ("api.runpod.io/v2", "URL"),
        ("", "URL"),
        ("https://[broken/v2", "URL"),
        ("https://x.test:99999999/v2", "URL"),
        ("https://user:hush@api.runpod.io/v2", "RUNPOD_API_KEY"),
        ("https://api.runpod.io/v2?api_key=hush", "RUNPOD_API_KEY"),
    ],
)
def test_a_url_that_cannot_be_used_is_said_to_be_one(url: str, word: str) -> None:
    for use in (dialect_of, lambda url: connect(url, None, SteppedClock())):
        with pytest.raises(Failure, match=word) as caught:
            use(url)
        assert caught.value.code is Code.SETTINGS_BROKEN
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "graphql"),
    [
        ("https://rest.runpod.io/v1", "https://api.runpod.io/graphql"),
        ("https://REST.runpod.io:443/v1/", "https://api.runpod.io/graphql"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/graphql"),
        ("https://gateway.example.com/runpod/v1", "https://gateway.example.com/graphql"),
    ],
)
def test_the_graphql_catalog_is_beside_v1(url: str, graphql: str) -> None:
    assert graphql_url(url) == graphql


async def test_a_key_loses_the_white_space_of_its_file() -> None:
    fake = FakeRunpod(answer(200, {"pods": []}))
    client = connect(
        "https://api.runpod.io/v2/", SecretStr(f" {KEY}\n"), SteppedClock(), transport=fake.transport
    )
    await client.list_pods()
    assert fake.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert str(fake.requests[0].url) == "https://api.runpod.io/v2/pods"


@pytest.mark.parametrize("key", ["rpa_\u2026", "rpa_a b", "rpa_a\nX-Evil: 1", "rpa_\x00"])
def test_a_key_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(Failure, match="RUNPOD_API_KEY") as caught:
        connect("https://api.runpod.io/v2", SecretStr(key), SteppedClock())
    assert caught.value.code is Code.SETTINGS_BROKEN
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr(" \n")])
@pytest.mark.parametrize("url", ["https://api.runpod.io/v2", "https://rest.runpod.io/v1"])
async def test_without_a_key_reads_say_what_to_set(url: str, key: SecretStr | None) -> None:
    fake = FakeRunpod(answer(200, []))
    client = connect(url, key, SteppedClock(), transport=fake.transport)
    with pytest.raises(Failure, match="RUNPOD_API_KEY") as caught:
        await client.list_pods()
    assert (caught.value.code, fake.calls) == (Code.UNAUTHORIZED, [])
