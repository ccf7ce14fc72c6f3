"""Settings: where each comes from, which one wins, and how a bad one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from runpod_mcp.config import DEFAULT_API_URL, config_folder, data_folder, read_settings
from runpod_mcp.errors import Code, Failure, Retry


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, so that nothing of whoever runs the tests is read."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "RUNPOD_API_KEY", "RUNPOD_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def runpodctl(home: Path, text: str | bytes) -> None:
    (home / ".runpod").mkdir()
    data = text.encode() if isinstance(text, str) else text
    (home / ".runpod" / "config.toml").write_bytes(data)


def key_of(environ: dict[str, str]) -> tuple[str | None, str]:
    settings = read_settings(environ)
    return settings.api_key and settings.api_key.get_secret_value(), settings.api_key_from


def test_without_anything_set_there_is_no_key_and_everything_has_its_usual_place():
    settings = read_settings({})
    assert (settings.api_key, settings.api_key_from) == (None, "nowhere")
    assert settings.api_url == DEFAULT_API_URL
    assert (settings.policy, settings.policy_named) == (config_folder() / "policy.toml", False)
    assert settings.ledger == data_folder() / "ledger.db"


def test_the_environment_of_the_process_is_what_is_read_when_none_is_given(monkeypatch):
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_FROMPROCESS")
    assert read_settings().api_key_from == "RUNPOD_API_KEY"


def test_the_key_in_the_environment_wins_over_the_file_and_the_file_over_runpodctl(home):
    file = home / "key"
    file.write_text("rpa_FILE\n")
    runpodctl(home, 'apikey = "rpa_CTL"\n')
    both = {"RUNPOD_API_KEY": " rpa_ENV\n", "RUNPOD_API_KEY_FILE": str(file)}
    assert key_of(both) == ("rpa_ENV", "RUNPOD_API_KEY")
    assert key_of({**both, "RUNPOD_API_KEY": " "}) == ("rpa_FILE", "RUNPOD_API_KEY_FILE")
    assert key_of({}) == ("rpa_CTL", "runpodctl's config file")


def test_a_key_file_below_the_home_may_be_written_with_a_tilde(home):
    (home / "key").write_text("rpa_FILE")
    assert key_of({"RUNPOD_API_KEY_FILE": "~/key"})[0] == "rpa_FILE"


@pytest.mark.parametrize("text", ["apiKey = 'rpa_CTL'", "APIKEY = ' rpa_CTL '\nother = 1"])
def test_runpodctls_key_is_found_however_its_name_is_written(home, text):
    runpodctl(home, text)
    assert key_of({})[0] == "rpa_CTL"


def test_a_byte_order_mark_that_an_editor_left_is_no_part_of_a_key(home):
    (home / "key").write_bytes(b"\xef\xbb\xbfrpa_FILE\r\n")
    runpodctl(home, b"\xef\xbb\xbfapikey = 'rpa_CTL'\r\n")
    assert key_of({"RUNPOD_API_KEY_FILE": str(home / "key")})[0] == "rpa_FILE"
    assert key_of({})[0] == "rpa_CTL"


@pytest.mark.parametrize(
    "text", ["", "apikey = ''", "apikey = 5", "apikey", b"\xff\xfe", "x = " + "9" * 5000, "x=" + "[" * 9999]
)
def test_a_config_file_of_runpodctl_that_holds_no_key_is_no_key_and_no_trouble(home, text):
    runpodctl(home, text)
    assert key_of({}) == (None, "nowhere")


@pytest.mark.parametrize("data", [b"", b" \n", b"rpa_ONE\nrpa_TWO\n", b"rpa_ONE two", b"\xff\xfe\x00"])
def test_a_key_file_that_does_not_hold_one_key_is_named(home, data):
    (home / "key").write_bytes(data)
    with pytest.raises(Failure, match="RUNPOD_API_KEY_FILE") as refused:
        read_settings({"RUNPOD_API_KEY_FILE": str(home / "key")})
    assert (refused.value.code, refused.value.field) == (Code.SETTINGS_BROKEN, "RUNPOD_API_KEY_FILE")
    assert refused.value.retry is Retry.NEVER
    assert "rpa_" not in str(refused.value)


@pytest.mark.parametrize("place", ["missing", "."])
def test_a_key_file_that_cannot_be_read_is_named(home, place):
    with pytest.raises(Failure, match="RUNPOD_API_KEY_FILE cannot be read"):
        read_settings({"RUNPOD_API_KEY_FILE": str(home / place)})


def test_an_argument_wins_over_its_setting(home):
    environ = {
        "RUNPOD_MCP_POLICY": "env.toml",
        "RUNPOD_MCP_LEDGER": "env.db",
        "RUNPOD_API_URL": "https://env.example/v2/",
    }
    from_env = read_settings(environ)
    assert (str(from_env.policy), from_env.policy_named) == ("env.toml", True)
    assert (str(from_env.ledger), from_env.api_url) == ("env.db", "https://env.example/v2")
    given = read_settings(environ, policy="~/p.toml", ledger="~/l.db", api_url="https://arg.example/v1")
    assert (given.policy, given.ledger) == (home / "p.toml", home / "l.db")
    assert given.api_url == "https://arg.example/v1"


def test_a_setting_that_is_empty_is_not_set():
    settings = read_settings({"RUNPOD_MCP_POLICY": "", "RUNPOD_MCP_LEDGER": "", "RUNPOD_API_URL": ""})
    assert not settings.policy_named
    assert settings.ledger == data_folder() / "ledger.db"
    assert settings.api_url == DEFAULT_API_URL


def test_a_simulator_forgets_its_ledger_unless_one_was_named():
    assert read_settings({}, simulator=True).ledger is None
    assert read_settings({}, simulator=True, ledger="kept.db").ledger == Path("kept.db")


@pytest.mark.parametrize("setting", ["RUNPOD_MCP_LEDGER", "RUNPOD_MCP_POLICY"])
def test_a_url_where_a_file_belongs_does_not_become_a_file_of_that_name(setting):
    with pytest.raises(Failure, match=f"{setting} must be a file"):
        read_settings({setting: "postgresql://db.example/spending"})


def test_the_home_of_somebody_unknown_is_a_setting_that_is_named():
    with pytest.raises(Failure, match="RUNPOD_MCP_POLICY"):
        read_settings({"RUNPOD_MCP_POLICY": "~nobody-of-this-name/policy.toml"})


def test_a_key_is_not_shown_when_settings_are_printed():
    settings = read_settings({"RUNPOD_API_KEY": "rpa_HUSHHUSH"})
    assert "HUSH" not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("word", "on"), [("1", True), ("On", True), ("yes", True), ("0", False), ("", False), ("off", False)]
)
def test_read_only_is_on_or_off(word: str, on: bool) -> None:
    assert read_settings({"RUNPOD_MCP_READ_ONLY": word}).read_only is on
    assert read_settings({"RUNPOD_MCP_READ_ONLY": word}, read_only=True).read_only


def test_half_a_word_for_read_only_is_an_error() -> None:
    with pytest.raises(Failure, match="RUNPOD_MCP_READ_ONLY"):
        read_settings({"RUNPOD_MCP_READ_ONLY": "perhaps"})
