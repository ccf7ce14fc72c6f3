"""Every manifest says what the code does, holds no key, and leads nowhere it should not."""

from __future__ import annotations

import base64
import json
import re
import struct
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import jsonschema
import pytest

from runpod_mcp.config import SETTINGS, read_settings
from runpod_mcp.reference.links import Link, links_of
from runpod_mcp.reference.project import read_project
from runpod_mcp.server.toolsets import tools_of

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
SCHEMA = ROOT.parent / "shared" / "specs" / "mcp-server.schema.json"
HOSTS = {
    "127.0.0.1", "api.runpod.io", "www.runpod.io", "cursor.com", "vscode.dev", "lmstudio.ai", "opencode.ai",
    "static.modelcontextprotocol.io", "json-schema.org", "example.com",
}  # fmt: skip


def read(name: str) -> dict[str, Any]:
    return json.loads((MANIFESTS / name).read_text("utf-8"))


def links() -> dict[str, Link]:
    return {link.client: link for link in links_of(read_project(ROOT))}


def test_no_manifest_leads_to_a_host_that_was_not_thought_about() -> None:
    for path in MANIFESTS.rglob("*"):
        if path.suffix in (".json", ".md", ".toml", ".yaml"):
            hosts = set(re.findall(r"https?://([\w.:-]+)", unquote(path.read_text("utf-8"))))
            assert {host.partition(":")[0] for host in hosts} <= HOSTS, path.name


def test_the_registry_manifest_holds_to_the_schema_of_the_registry() -> None:
    if not SCHEMA.exists():
        pytest.skip("the registry's schema is not at hand")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(read("server.json"))


def test_the_registry_manifest_has_what_the_registry_asks_for() -> None:
    server = read("server.json")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", server["name"])
    assert len(server["description"]) <= 100
    assert f"mcp-name: {server['name']} " in (ROOT / "README.md").read_text("utf-8")
    for package in server["packages"]:
        assert (package["registryType"], package["identifier"]) == ("pypi", "runpod-mcp")
        assert package["version"] == server["version"]
        variables = {one["name"]: one for one in package["environmentVariables"]}
        assert set(variables) == {one.name for one in SETTINGS if one.name.startswith("RUNPOD_")}
        assert {name for name, one in variables.items() if one["isSecret"]} == {
            one.name for one in SETTINGS if one.secret
        }
    assert [one["transport"]["type"] for one in server["packages"]] == ["stdio", "streamable-http"]


def test_the_address_of_the_second_package_is_the_one_it_is_told_to_serve() -> None:
    _, package = read("server.json")["packages"]
    given = [one["value"] for one in package["packageArguments"]]
    assert given == ["serve", urlsplit(package["transport"]["url"]).netloc]


def test_the_bundle_lists_the_core_tools_and_asks_for_the_key_in_secret() -> None:
    bundle = read("mcpb/manifest.json")
    assert [one["name"] for one in bundle["tools"]] == [spec.name for spec in tools_of(())]
    assert bundle["user_config"]["api_key"]["sensitive"]
    assert (ROOT / bundle["server"]["entry_point"]).is_file()


def test_what_nobody_fills_in_when_the_bundle_is_installed_counts_as_not_set() -> None:
    bundle = read("mcpb/manifest.json")
    asked = bundle["user_config"]
    env = {
        name: str(asked[value.removeprefix("${user_config.").removesuffix("}")].get("default", "rpa_KEY"))
        for name, value in bundle["server"]["mcp_config"]["env"].items()
    }
    settings = read_settings({name: value.lower() for name, value in env.items()})
    assert not settings.policy_named
    assert not settings.read_only
    assert settings.toolsets == ("core",)


def test_the_icon_of_the_bundle_has_the_size_that_claude_desktop_wants() -> None:
    icon = (MANIFESTS / "mcpb" / read("mcpb/manifest.json")["icon"]).read_bytes()
    assert icon.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", icon[16:24]) == (512, 512)
    assert len(icon) < 20_000


def test_the_plugins_ask_for_the_key_and_hold_none() -> None:
    plugin = read("claude-plugin/.claude-plugin/plugin.json")
    (server,) = read("claude-plugin/.mcp.json")["mcpServers"].values()
    assert plugin["userConfig"]["api_key"]["sensitive"]
    assert server["env"] == {"RUNPOD_API_KEY": "${user_config.api_key}"}
    extension = read("gemini-extension/gemini-extension.json")
    asked = {one["envVar"]: one["sensitive"] for one in extension["settings"]}
    assert asked == {"RUNPOD_API_KEY": True, "RUNPOD_MCP_POLICY": False}
    (started,) = extension["mcpServers"].values()
    assert "env" not in started
    assert (MANIFESTS / "gemini-extension" / extension["contextFileName"]).is_file()


@pytest.mark.parametrize("client", ["Cursor", "LM Studio"])
def test_a_link_holds_the_entry_of_the_client(client: str) -> None:
    link = links()[client]
    for address in (link.opens, str(link.web)):
        said = parse_qs(urlsplit(address).query, strict_parsing=True)
        assert said["name"] == ["runpod"]
        entry = json.loads(base64.b64decode(said["config"][0], validate=True))
        assert entry == {"command": "uvx", "args": ["runpod-mcp"], "env": {"RUNPOD_API_KEY": "YOUR_KEY"}}


def test_the_links_of_vs_code_ask_for_the_key_as_the_file_does() -> None:
    link, file = links()["VS Code"], read("clients/vscode-mcp.json")
    whole = json.loads(unquote(link.opens.removeprefix("vscode:mcp/install?")))
    said = {name: value for name, (value,) in parse_qs(urlsplit(str(link.web)).query).items()}
    assert whole.pop("inputs") == json.loads(said["inputs"]) == file["inputs"]
    assert whole.pop("name") == said["name"] == "runpod"
    assert whole == json.loads(said["config"]) == file["servers"]["runpod"]


def test_the_link_of_goose_starts_the_server_and_names_the_key() -> None:
    address = urlsplit(links()["goose"].opens)
    said = parse_qsl(address.query, strict_parsing=True)
    assert (address.scheme, address.netloc) == ("goose", "extension")
    assert [value for name, value in said if name in ("cmd", "arg")] == ["uvx", "runpod-mcp"]
    assert ("env", "RUNPOD_API_KEY") in said
