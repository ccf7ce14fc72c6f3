"""What a log never shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from runpod_mcp.logs import log_to_stderr, redact


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "line",
    [
        "key rpa_HUSHHUSH was refused",
        "secret=rps_HUSH-HUSH;",
        "https://api.example/graphql?api_key=HUSHHUSH&x=1",
        "token%3Drpa_HUSHHUSH%26",
        "Authorization: Bearer HUSHHUSH",
        "authorization: bearer\tHUSH.HUSH",
        '{"authorization": "Bearer HUSHHUSH", "x": 1}',
        'apikey = "HUSHHUSH"',
        "{'api_key': 'HUSHHUSH'}",
        "RUNPOD_API_KEY=HUSHHUSH",
        "RPA_HUSHHUSH",
    ],
)
def test_what_looks_like_a_key_is_taken_out(line):
    assert "HUSH" not in redact(line)
    assert "[secret]" in redact(line)


@pytest.mark.parametrize("line", ["pod xedezhzb9la3ye stopped", "the bearer of bad news", "warpa", "rpa_"])
def test_other_text_stays_as_it_is(line):
    kept = line if "bearer" not in line else "the [secret] bad news"
    assert redact(line) == kept


def test_a_log_line_shows_neither_keys_nor_the_secrets_it_was_told_of(capsys):
    log_to_stderr(logging.INFO, secrets=("plain-old-secret", "abc", ""))
    try:
        raise ValueError("plain-old-secret in a traceback")
    except ValueError:
        logging.getLogger("runpod_mcp.x").info("key rpa_HUSHHUSH abc", exc_info=True)
    shown = capsys.readouterr()
    assert shown.out == "", "stdout belongs to the protocol"
    assert "HUSH" not in shown.err
    assert "plain-old-secret" not in shown.err
    assert "abc" in shown.err, "three letters are no secret, and would black out words"
    assert "INFO runpod_mcp.x" in shown.err


def test_what_is_below_the_level_is_not_logged(capsys, root_logger):
    log_to_stderr()
    log_to_stderr()
    logging.getLogger("runpod_mcp.x").info("chatter")
    logging.getLogger("runpod_mcp.x").warning("heed")
    assert capsys.readouterr().err.count("\n") == 1
    assert len(root_logger.handlers) == 1
