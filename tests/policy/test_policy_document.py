"""The policy file, read strictly: a misspelt limit is a limit that does not hold."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_helpers import broken, policy, toml

from runpod_mcp.errors import Failure, Retry
from runpod_mcp.policy.document import Policy, read_policy
from runpod_mcp.policy.written import ASKABLE_TOOLS

DESIGN = Path(__file__).parents[2].parent / "shared" / "DESIGN.md"

EXAMPLE: dict[str, dict[str, Any]] = {
    "budget": {
        "usd_per_hour_per_pod": 1.00,
        "usd_per_hour": 2.00,
        "usd_per_day": 10.00,
        "usd_per_month": 100.00,
        "usd_total": 500.00,
        "include_unmanaged": False,
    },
    "gpus": {
        "allow": ["NVIDIA GeForce RTX 4090", "NVIDIA L4", "*Ada Generation"],
        "deny": [],
        "max_per_pod": 1,
        "max_running": 2,
    },
    "cpus": {"allow": ["cpu3c", "cpu5c"], "max_vcpus_per_pod": 8},
    "pods": {
        "max_running": 2,
        "cloud_types": ["SECURE"],
        "data_centers": ["EU-*", "US-*"],
        "countries": [],
        "images": ["runpod/*"],
        "templates": [],
        "ports": ["22/tcp", "8888/http"],
        "max_container_disk_gb": 100,
        "max_volume_gb": 100,
        "interruptible": "allow",
        "manage_unmanaged": False,
    },
    "lease": {
        "default_hours": 2,
        "max_hours": 8,
        "on_expiry": "stop",
        "keep_stopped_hours": 24,
        "ready_minutes": 15,
        "on_not_ready": "report",
    },
    "approval": {
        "above_usd_per_hour": 0.80,
        "above_usd_per_lease": 5.00,
        "tools": ["delete_pod"],
        "via": "any",
    },
    "notify": {"webhook": "https://example.com/hook"},
}
"""Every key there is, with the value of the design's example."""

KEYS = [(table, key) for table, keys in EXAMPLE.items() for key in keys]
AMOUNTS = [(table, key) for table, key in KEYS if "usd" in key]
COUNTS = [(table, key) for table, key in KEYS if re.match(r"max_(?!hours)", key)]
TIMES = [(table, key) for table, key in KEYS if key.endswith(("_hours", "_minutes"))]
LISTS = [(table, key) for table, key in KEYS if isinstance(EXAMPLE[table][key], list)]
WORDS = [(table, key) for table, key in KEYS if isinstance(EXAMPLE[table][key], str)]
SWITCHES = [(table, key) for table, key in KEYS if isinstance(EXAMPLE[table][key], bool)]


def line(table: str, key: str, value: str) -> str:
    return f"version = 1\n[{table}]\n{key} = {value}"


def micros(amount: float) -> int:
    return round(amount * 1_000_000)


@pytest.mark.skipif(not DESIGN.exists(), reason="the design is not here")
def test_the_example_of_the_design_parses_as_it_is_written():
    (example,) = re.findall(r"```toml\n(.*?)```", DESIGN.read_text("utf-8"), re.DOTALL)
    assert read_policy(example, "test.toml") == policy(**EXAMPLE)


def test_every_key_of_the_code_is_a_key_of_the_example_and_the_other_way_round():
    tables = {name for name in Policy.model_fields if name not in ("version", "origin")}
    assert tables == set(EXAMPLE)
    for table in tables:
        assert set(Policy.model_fields[table].annotation.model_fields) == set(EXAMPLE[table])


def test_every_key_has_the_value_that_was_written():
    whole = policy(**EXAMPLE)
    for table, key in KEYS:
        written, read = EXAMPLE[table][key], getattr(getattr(whole, table), key)
        expected = micros(written) if (table, key) in AMOUNTS else written
        assert read == (tuple(expected) if isinstance(expected, list) else expected), key
    assert (whole.origin, whole.is_default) == ("test.toml", False)


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_every_key_may_stand_alone(table, key):
    extra = {"max_hours": 8} if key == "default_hours" else {}
    policy(**{table: {key: EXAMPLE[table][key], **extra}})


def misspelt(key: str) -> list[str]:
    """One letter missing, doubled or swapped, other case, hyphens."""
    spots = range(len(key))
    dropped = [key[:at] + key[at + 1 :] for at in spots]
    doubled = [key[:at] + key[at] + key[at:] for at in spots]
    swapped = [key[:at] + key[at + 1] + key[at] + key[at + 2 :] for at in spots[:-1]]
    return [one for one in (*dropped, *doubled, *swapped, key.upper(), key.replace("_", "-")) if one != key]


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_a_misspelt_key_is_an_error_that_names_the_right_one(table, key):
    for wrong in misspelt(key):
        failure = broken(f'version = 1\n[{table}]\n"{wrong}" = 1')
        assert failure.message.endswith(f"{table}.{wrong} is not a key; did you mean {key}?")
        assert (failure.field, failure.retry) == (f"{table}.{wrong}", Retry.NEVER)


@pytest.mark.parametrize("table", EXAMPLE)
def test_a_misspelt_table_is_an_error_that_names_the_right_one(table):
    for wrong in set(misspelt(table)) - {"pus", "pcus"}:  # which could be either
        assert broken(f"version = 1\n[{wrong}]").message.endswith(f"did you mean {table}?")


def test_a_key_like_no_other_is_refused_with_those_there_are():
    assert "known here: allow, max_vcpus_per_pod" in broken(line("cpus", "zzz", "1")).message
    assert "known here: version, budget, gpus" in broken("version = 1\nzzz = 1").message


@pytest.mark.parametrize("key", ["origin", "is_default"])
def test_where_a_policy_comes_from_cannot_be_written_into_it(key):
    assert f"{key} is not a key" in broken(f'version = 1\n{key} = "built-in default"').message


@pytest.mark.parametrize("text", ["", "[budget]\nusd_per_day = 1"])
def test_a_policy_without_a_version_is_refused(text):
    assert "version = 1" in broken(text).message


@pytest.mark.parametrize("version", ["0", "2", "-1", "true", "1.0", '"1"', "[1]", "nan"])
def test_only_version_one_is_known(version):
    assert "version" in broken(f"version = {version}").message


def test_the_same_key_or_table_twice_is_refused():
    twice = broken(line("budget", "usd_per_day", "1\nusd_per_day = 2")).message
    assert twice == "Policy test.toml: line 4: usd_per_day is written twice."
    lists = 'allow = [\n  "a",\n]\n'
    assert "is not TOML: Cannot overwrite" in broken(f"version = 1\n[gpus]\n{lists}{lists}x = 1").message
    table = broken("version = 1\n[budget]\n[budget]").message
    assert table == "Policy test.toml: line 3: [budget] is written twice."


@pytest.mark.parametrize(
    "text",
    [
        "version = ",
        "{",
        "version = 1\x00",
        "\ufeffversion = 1",
    ],
    ids=["no value", "a brace", "a zero", "a mark"],
)
def test_what_is_not_toml_is_a_broken_policy_and_nothing_worse(text):
    assert "is not TOML" in broken(text).message


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 100_000, "a." * 5000 + "b = 1", "[" + "a." * 5000 + "b]"],
    ids=["lists", "keys", "tables"],
)
def test_what_is_nested_beyond_reason_is_a_broken_policy_and_nothing_worse(text):
    assert broken(f"version = 1\n{text}").message == "Policy test.toml: is nested too deeply."


@pytest.mark.parametrize("number", ["9" * 5000, "1e99999999999999999999", "-" + "9" * 5000])
def test_a_number_that_cannot_even_be_read_is_named_by_its_line_in_plain_words(number):
    assert broken(f"version = 1\n[gpus]\nmax_per_pod = {number}").message == (
        "Policy test.toml: line 3: a number has more digits than anything here can need."
    )
    in_a_list = broken(f"version = 1\nx = [\n  {number},\n]").message
    assert in_a_list == "Policy test.toml: a number has more digits than anything here can need."


@pytest.mark.parametrize(
    "key", ["gpus.max_per_pod", "budget.usd_per_day", "lease.max_hours", "gpus.allow", "version"]
)
@pytest.mark.parametrize("value", ["0x" + "f" * 5000, "[0x" + "f" * 5000 + "]"])
def test_a_number_that_is_read_but_cannot_be_written_out_is_refused_under_its_key(key, value):
    table, _, name = key.rpartition(".")
    wrong = f"version = 1\n[{table}]\n{name} = {value}" if table else f"version = {value}"
    assert broken(wrong).field == key


def test_a_count_beyond_all_reason_is_a_slip_of_the_pen():
    assert (
        "less than or equal to 1000000000 (found 1000000001)"
        in broken(line("pods", "max_running", "1000000001")).message
    )
    assert policy(pods={"max_running": 10**9}).pods.max_running == 10**9


def test_a_list_of_tables_is_named_by_its_line_where_one_table_is_expected():
    message = broken("version = 1\n\n[[budget]]\nusd_per_day = 1").message
    assert message == "Policy test.toml: line 3: budget: expected a table of keys."


@pytest.mark.parametrize("table", EXAMPLE)
@pytest.mark.parametrize("value", ["5", '"x"', "[]", "true", "[[]]"])
def test_a_table_that_is_none_is_refused(table, value):
    assert f"{table}: expected a table of keys" in broken(f"version = 1\n{table} = {value}").message


BAD_NUMBERS = [
    "-1",
    "-0.01",
    "nan",
    "-nan",
    "inf",
    "-inf",
    '"5"',
    '"much"',
    "true",
    "false",
    "[5]",
    "{a = 1}",
]


@pytest.mark.parametrize(("table", "key"), AMOUNTS + COUNTS + TIMES)
@pytest.mark.parametrize("value", [*BAD_NUMBERS, "2026-11-23", "12:00:00"])
def test_a_number_that_is_no_limit_is_refused_and_named(table, key, value):
    failure = broken(line(table, key, value))
    assert f"{table}.{key}: " in failure.message
    assert failure.field == f"{table}.{key}"


@pytest.mark.parametrize(("table", "key"), COUNTS)
@pytest.mark.parametrize("value", ["1.0", "1.5", "1e3"])
def test_a_count_is_a_whole_number(table, key, value):
    assert "expected a whole number" in broken(line(table, key, value)).message


@pytest.mark.parametrize(("table", "key"), AMOUNTS)
@pytest.mark.parametrize("value", ["10_000_000.01", "10_000_001", "1e30", "1e400"])
def test_an_amount_beyond_reason_is_refused(table, key, value):
    assert "from 0 to 10,000,000" in broken(line(table, key, value)).message


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("lease", "default_hours", "0"),
        ("lease", "max_hours", "0"),
        ("lease", "max_hours", "8761"),
        ("lease", "keep_stopped_hours", "8761"),
        ("lease", "ready_minutes", "0"),
        ("lease", "max_hours", "9" * 400),
        ("lease", "ready_minutes", "1e400"),
    ],
)
def test_a_time_beyond_reason_is_refused_and_the_number_is_not_repeated_at_length(table, key, value):
    assert len(broken(line(table, key, value)).message) < 160


@pytest.mark.parametrize(("table", "key"), LISTS)
@pytest.mark.parametrize("value", ['"SECURE"', "5", "true", '["a", 5]', '[""]', '[" "]', "[[]]", "{}"])
def test_a_list_that_is_none_is_refused_and_named(table, key, value):
    assert f"{table}.{key}: expected a list of names" in broken(line(table, key, value)).message


@pytest.mark.parametrize(("table", "key"), WORDS)
@pytest.mark.parametrize("value", ['"other"', '""', "5", "true", '["stop"]'])
def test_a_word_outside_its_choices_is_refused_and_named(table, key, value):
    assert f"{table}.{key}: " in broken(line(table, key, value)).message


@pytest.mark.parametrize(("table", "key"), SWITCHES)
@pytest.mark.parametrize("value", ['"yes"', "1", "0", '"false"'])
def test_a_switch_is_true_or_false(table, key, value):
    assert f"{table}.{key}: expected true or false" in broken(line(table, key, value)).message


@pytest.mark.parametrize("value", ["USA", "U", "ÉÉ", "1A", "U "])
def test_a_country_is_two_letters(value):
    assert "two-letter country code" in broken(toml(pods={"countries": [value]})).message


def test_countries_are_read_in_any_case():
    assert policy(pods={"countries": ["us", "Cz"]}).pods.countries == ("US", "CZ")


@pytest.mark.parametrize("value", ["secure", "ALL", "SECURE "])
def test_a_cloud_is_one_of_the_two(value):
    assert "'SECURE' or 'COMMUNITY'" in broken(toml(pods={"cloud_types": [value]})).message


def test_a_tool_that_is_misspelt_or_only_reads_is_refused_since_nobody_would_be_asked():
    assert "expected delete_pod" in broken(toml(approval={"tools": ["delete_pods"]})).message
    assert "expected one of create_pod" in broken(toml(approval={"tools": ["zzz"]})).message
    broken(toml(approval={"tools": ["get_pod_logs"]}))
    assert policy(approval={"tools": list(ASKABLE_TOOLS)}).approval.tools == ASKABLE_TOOLS


@pytest.mark.parametrize(
    "value", ["example.com", "ftp://x", "https://", "https://x y", "https://x\n", "javascript:1"]
)
def test_a_webhook_is_an_address(value):
    assert "notify.webhook" in broken(toml(notify={"webhook": value})).message


def test_a_default_lease_above_the_longest_is_refused():
    message = broken("version = 1\n[lease]\ndefault_hours = 3\nmax_hours = 2").message
    assert message.endswith("lease: default_hours (3) is above max_hours (2).")
    assert (
        "(2) is above max_hours (1)"
        in broken("version = 1\n[lease]\ndefault_hours = 2\nmax_hours = 1").message
    )


@pytest.mark.parametrize(("most", "usual"), [("1", 1), ("0.25", 0.25), ("2", 2), ("2.5", 2), ("24", 2)])
def test_a_longest_lease_that_stands_alone_shortens_the_usual_one(most, usual):
    lease = read_policy(line("lease", "max_hours", most), "test.toml").lease
    assert (lease.default_hours, lease.max_hours) == (usual, float(most))


@pytest.mark.parametrize("most", ["0", "-1", "true", "'1'", "nan"])
def test_a_longest_lease_that_is_none_is_named_and_not_the_usual_one(most):
    assert broken(line("lease", "max_hours", most)).field == "lease.max_hours"


@pytest.mark.parametrize(
    "port", ["8888/http", "22/TCP", "*", "*/http", "8888/*", "70*/tcp", "80*", "*tcp", "*/h*"]
)
def test_a_port_or_a_pattern_that_some_port_fits_is_taken(port):
    assert read_policy(line("pods", "ports", f'["{port}"]'), "test.toml").pods.ports == (port,)


@pytest.mark.parametrize(
    "port",
    ["8888", "http", "22/ssh", "22/udp", "0/tcp", "99999/http", "8000-8010/tcp", "*8888", "88*/udp", "tcp*"],
)
def test_a_port_that_no_pod_can_have_is_refused_with_what_to_write(port):
    failure = broken(line("pods", "ports", f'["22/tcp", "{port}"]'))
    assert failure.field == "pods.ports.1"
    assert "/http" in failure.message or "1 to 65535" in failure.message
    assert failure.message.count(repr(port)) == 1


@pytest.mark.parametrize(
    "text", ['[notify]\nwebhook = "hooks.example.com/swordfish"', 'notify = "//swordfish"']
)
def test_an_error_does_not_show_what_may_hold_a_secret(text):
    message = broken(f"version = 1\n{text}\n").message
    assert "notify" in message
    assert "swordfish" not in message


def test_an_error_shows_what_was_found_clean_and_cut():
    assert broken(line("budget", "usd_per_day", "-1.5")).message.endswith("(found -1.5).")
    assert broken(line("budget", "usd_per_day", "-1")).message.endswith("(found -1).")
    long = broken(line("lease", "on_expiry", f'"{"x" * 500}"')).message
    assert len(long) < 140


# what an empty list, a zero and a key that was left out mean


def test_what_is_left_out_is_no_limit():
    free = policy()
    assert set(free.budget.model_dump().values()) == {None, False}
    assert free.gpus.permits("anything")
    assert free.cpus.permits("anything")
    assert free.pods.permits_place("XX-1", None)
    assert not free.pods.limits_place
    assert (free.pods.images, free.pods.ports, free.pods.cloud_types) == (None, None, None)
    assert (free.lease.default_hours, free.lease.max_hours) == (2, 24)


def test_an_empty_list_of_gpus_cpus_or_ports_means_none():
    none = policy(gpus={"allow": []}, cpus={"allow": []}, pods={"ports": []})
    assert not none.gpus.permits("NVIDIA L4")
    assert not none.cpus.permits("cpu3c")
    assert none.pods.ports == ()


def test_an_empty_list_of_places_or_templates_means_no_limit():
    free = policy(pods={"data_centers": [], "countries": [], "templates": []})
    assert not free.pods.limits_place
    assert free.pods.permits_place("XX-1", None)
    assert free.pods.templates == ()


@pytest.mark.parametrize("key", ["images", "cloud_types"])
def test_an_empty_list_of_images_or_clouds_would_allow_nothing_and_is_refused(key):
    assert f"pods.{key}: is empty" in broken(line("pods", key, "[]")).message


@pytest.mark.parametrize(("table", "key"), AMOUNTS + COUNTS)
def test_zero_is_a_limit(table, key):
    assert getattr(getattr(policy(**{table: {key: 0}}), table), key) == 0


def test_places_are_allowed_by_pattern_and_country_together():
    pods = policy(pods={"data_centers": ["EU-*", "us-ks-2"], "countries": ["RO", "US"]}).pods
    assert pods.limits_place
    assert pods.permits_place("EU-RO-1", "RO")
    assert pods.permits_place("US-KS-2", "US")
    assert not pods.permits_place("EU-CZ-1", "CZ")
    assert not pods.permits_place("US-TX-1", "US")
    assert not pods.permits_place("EU-NEW-1", None), "a country nobody knows is none of them"
    assert not pods.permits_place("EUR-IS-1", "RO")


@given(st.decimals(0, 10_000_000, allow_nan=False, allow_infinity=False, places=None))
def test_a_limit_is_rounded_down_and_never_up(amount):
    read = policy_of_day(f"{amount:f}")
    assert read <= Fraction(amount) * 1_000_000 < read + 1, "in exact numbers: Decimal itself rounds"


def policy_of_day(amount: str) -> int:
    amount = amount if "." in amount else f"{amount}.0"
    limit = read_policy(line("budget", "usd_per_day", amount), "test.toml").budget.usd_per_day
    assert limit is not None
    return limit


def test_a_limit_just_below_a_dollar_does_not_become_one():
    assert policy_of_day("0." + "9" * 60) == 999_999
    assert policy_of_day("0.0000009") == 0


@given(st.text(max_size=60))
def test_whatever_is_in_the_file_it_is_a_policy_or_broken(text):
    for whole in (text, f"version = 1\n{text}", f"version = 1\n[budget]\nusd_per_day = {text}"):
        with suppress(Failure):
            read_policy(whole, "test.toml")
