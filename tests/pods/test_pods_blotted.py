"""Secrets in commands: blotted out by the name before them or by their shape; the rest can still be read."""

from __future__ import annotations

import pytest

from runpod_mcp.pods.blotted import BLOT, blotted, blotted_words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl -H 'Authorization: Bearer swordfish'", f"curl -H 'Authorization: {BLOT} {BLOT}'"),
        ("curl -H 'x: bearer swordfish' url", f"curl -H 'x: bearer {BLOT}' url"),
        ("git clone https://me:swordfish@host/x", f"git clone https://{BLOT}@host/x"),
        ("git clone https://swordfish@host/x", f"git clone https://{BLOT}@host/x"),
        ("HF_TOKEN=swordfish python x.py", f"HF_TOKEN={BLOT} python x.py"),
        ("export API_KEY='sword fish'; run", f"export API_KEY={BLOT}; run"),
        ('{"password": "sword fish"}', f'{{"password": {BLOT}}}'),
        ("login --token swordfish --yes", f"login --token {BLOT} --yes"),
        ("login --token=swordfish --yes", f"login --token={BLOT} --yes"),
        ("--db-password 'sword fish' x", f"--db-password {BLOT} x"),
        ("get https://x/y?access_key=swordfish&n=1", f"get https://x/y?access_key={BLOT}&n=1"),
        ("echo hf_swordfish123", f"echo {BLOT}"),
        ("echo sk-proj-swordfish", f"echo {BLOT}"),
    ],
)
def test_what_is_named_or_shaped_like_a_secret_is_blotted_out(text, shown):
    assert "fish" not in blotted(text)
    assert blotted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "python train.py --model meta-llama/Llama-3.1-8B --epochs 3",
        "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
        "ghcr.io/me/image@sha256:0123456789abcdef",
        "vllm serve --max-num-seqs 8 --port 8000",
        "tokenizer.json",
        "bash -c 'pwd; ls'",
    ],
)
def test_what_is_no_secret_stays(text):
    assert blotted(text) == text


def test_what_follows_a_flag_is_a_word_of_its_own():
    assert blotted_words(["login", "--token", "swordfish", "--yes"]) == ["login", "--token", BLOT, "--yes"]
    assert blotted_words(["--api-key"]) == ["--api-key"]


def test_a_long_run_of_letters_and_digits_in_a_command_may_be_a_key():
    assert blotted_words(["wandb", "login", "0123456789abcdef0123456789abcdef01234567"]) == [
        "wandb",
        "login",
        BLOT,
    ]
    assert blotted_words(["12345678901234567890123", "a" * 30]) == ["12345678901234567890123", "a" * 30]
