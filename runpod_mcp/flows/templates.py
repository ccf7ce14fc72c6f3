"""Templates: they cost nothing, but what they hold is run later, so they pass the policy's rules like a pod's settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows import kept
from runpod_mcp.flows.approval import need_yes_to
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.kept import Kind
from runpod_mcp.flows.resolve import DEFAULT_CONTAINER_DISK_GB
from runpod_mcp.flows.standing import refuse_taken_name
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.patterns import matches_exactly
from runpod_mcp.policy.rules import judge_change
from runpod_mcp.runpod.results import Gone, NoCapacity, Refused, Unknown
from runpod_mcp.runpod.templates import (
    README_LENGTH,
    Template,
    TemplateChange,
    TemplateOrder,
    TemplateSource,
)

OWN = "own"
_SECRET_BY_NAME = re.compile(r"\{\{\s*RUNPOD_SECRET_\w+\s*\}\}", re.ASCII)
_NAMES = {
    "name": "name",
    "image": "imageName",
    "serverless": "isServerless",
    "public": "isPublic",
    "category": "category",
    "container_disk_gb": "containerDiskInGb",
    "volume_gb": "volumeInGb",
    "volume_mount_path": "volumeMountPath",
    "ports": "ports",
    "env": "env",
    "registry_id": "containerRegistryAuthId",
    "entrypoint": "dockerEntrypoint",
    "start_command": "dockerStartCmd",
    "readme": "readme",
    "start_ssh": "startSsh",
    "start_jupyter": "startJupyter",
    "allowed_cuda_versions": "allowedCudaVersions",
}
"""Runpod's names of what can be changed."""
_RULED = {
    "image": "image_name",
    "ports": "ports",
    "container_disk_gb": "container_disk_in_gb",
    "volume_gb": "volume_in_gb",
}
"""What the policy has a rule for, and the name it has in a request."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A template and whose it is: `own`, or which of the public catalogs it is from (None: not told)."""

    template: Template
    source: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A template after a change, and what of it changed, under Runpod's names; nothing where it already was so."""

    template: Template
    changed: tuple[str, ...]


async def list_templates(house: House, *, public: bool) -> list[Listed]:
    """The account's own templates, or those that others published, by name.

    Raises:
        Failure: Runpod cannot be read.
    """
    templates = house.api.resources.templates
    own = await templates.list_all()
    if not public:
        return _by_name(Listed(one, OWN) for one in own)
    ours = {one.id for one in own}
    sources: tuple[TemplateSource, ...] = ("official", "verified", "community")
    found: list[Listed] = []
    for source in sources if house.api.dialect == "v2" else ("official", "community"):
        listed = await templates.list_public(source)
        found += _by_name(Listed(one, source) for one in listed if one.id not in ours)
    return found


async def get_template(house: House, template_id: str) -> Listed:
    """One template, own or public.

    Raises:
        Failure: `not_found`.
    """
    templates = house.api.resources.templates
    own = next((one for one in await templates.list_all() if one.id == template_id), None)
    found = own or await templates.get(template_id)
    if found is None:
        raise kept.not_found(_kind(house), template_id)
    return Listed(found, OWN if own else None)


async def create_template(house: House, order: TemplateOrder) -> Template:
    """Keep container settings under a name.

    Raises:
        Failure: the policy says no; its env would be public; `conflict`: the name is taken; `outcome_unknown`.
    """
    templates, policy = house.api.resources.templates, house.policies.current()
    order = replace(order, container_disk_gb=order.container_disk_gb or DEFAULT_CONTAINER_DISK_GB)
    for gap in templates.gaps(order):
        raise gap
    _judge(policy, order, _RULED)
    if order.public:
        _refuse_public_values(order.env)
    refuse_taken_name(order.name, await templates.list_all())
    await need_yes_to(house, policy, "create_template")
    return await to_the_end(kept.make(house, _kind(house), order.name, lambda: templates.create(order)))


async def update_template(house: House, template_id: str, change: TemplateChange) -> Changed:
    """Change a template that was made here; pods that were made from it stay as they are.

    Raises:
        Failure: the policy says no; its env would be public; `not_found`; `not_managed`: it was not made here;
            `conflict`: the name is taken; `outcome_unknown`.
    """
    templates, policy = house.api.resources.templates, house.policies.current()
    for gap in templates.gaps(change):
        raise gap
    own = await templates.list_all()
    before = await _managed(house, policy, own, template_id)
    news = [name for name in _named(change) if _shows(before, change, name) is not True]
    if not news:
        return Changed(before, ())
    _judge(policy, change, news)
    _refuse_to_publish(before, change)
    if "name" in news:
        refuse_taken_name(change.name or "", own)
    await need_yes_to(house, policy, "update_template")
    after = await to_the_end(_update(house, before, change, news))
    return Changed(after, tuple(_NAMES[name] for name in news))


async def delete_template(house: House, template_id: str) -> None:
    """Delete a template that was made here.

    Raises:
        Failure: a person must allow it first; `not_found`; `not_managed`; `conflict` while something uses it.
    """
    templates, policy = house.api.resources.templates, house.policies.current()
    await _managed(house, policy, await templates.list_all(), template_id)
    await need_yes_to(house, policy, "delete_template")
    await to_the_end(kept.delete(house, _kind(house), template_id, templates.delete))


def is_on_the_list(policy: Policy, template_id: str) -> bool:
    """Whether the policy lets pods be made from this template."""
    allowed = policy.pods.templates
    return not allowed or matches_exactly(template_id, allowed)


def _by_name(listed: Iterable[Listed]) -> list[Listed]:
    return sorted(listed, key=lambda one: (one.template.name or "", one.template.id))


def _kind(house: House) -> Kind[Template]:
    return Kind("template", "create_template", "list_templates", house.api.resources.templates.list_all)


async def _managed(house: House, policy: Policy, own: Iterable[Template], template_id: str) -> Template:
    """A template that may be changed here."""
    found = await _own(house, own, template_id)
    await kept.refuse_what_others_made(house, policy, _kind(house), template_id)
    return found


async def _own(house: House, own: Iterable[Template], template_id: str) -> Template:
    """Only what the account lists as its own may be changed: public ones and those of endpoints are not in the list."""
    if found := next((one for one in own if one.id == template_id), None):
        return found
    if await house.api.resources.templates.get(template_id) is None:
        raise kept.not_found(_kind(house), template_id)
    message = (
        f"Template {clean(template_id, 40)} is not among the account's own: it is public, or belongs to a serverless "
        "endpoint. Make one of your own with create_template."
    )
    raise Failure(Code.NOT_MANAGED, message, Retry.NEVER)


def _judge(policy: Policy, asked: TemplateOrder | TemplateChange, changed: Iterable[str]) -> None:
    """The rules that a pod made from it would meet; what does not change is not judged again."""
    settings = {rule: getattr(asked, name) for name, rule in _RULED.items()}
    request = CreateRequest.model_construct(**{**settings, "ports": list(asked.ports or ())})
    if denied := judge_change(policy, request, [_RULED[name] for name in changed if name in _RULED]):
        raise denied.as_failure()


def _refuse_to_publish(before: Template, change: TemplateChange) -> None:
    """The values of a template that already is public are known; those it gets, and those of a private one, are not."""
    public = before.public if change.public is None else change.public
    if public is False:
        return
    if change.env is not None:
        _refuse_public_values(change.env)
    elif change.public and not before.public and before.env_names:
        raise _public_values(
            f"it has {', '.join(clean(name, 40) for name in before.env_names[:10])}; say env as well, which replaces them"
        )


def _refuse_public_values(env: Mapping[str, str]) -> None:
    if bare := [name for name, value in env.items() if value and not _SECRET_BY_NAME.fullmatch(value)]:
        raise _public_values(f"leave {', '.join(bare[:10])} out or name Runpod secrets in them")


def _public_values(what_to_do: str) -> Failure:
    message = f"Everybody at Runpod can read the env values of a public template: {what_to_do}."
    return Failure(Code.INVALID_ARGUMENTS, message, field="env")


def _named(change: TemplateChange) -> list[str]:
    return [name for name in _NAMES if getattr(change, name) is not None]


def _shows(template: Template, change: TemplateChange, name: str) -> bool | None:
    """Whether a template has what a change asks for; None where that is not told, as with the values of env."""
    asked, shown = getattr(change, name), getattr(template, name, None)
    if name == "env":
        return None if set(asked) == set(template.env_names) else False
    if name in ("volume_gb", "registry_id"):
        return bool((shown or None) == (asked or None))
    if shown is None or (shown == () and name != "ports"):
        return None
    if name == "ports":
        return set(shown) == set(asked)
    return bool(shown == (asked[:README_LENGTH] if name == "readme" else asked))


async def _update(house: House, before: Template, change: TemplateChange, news: list[str]) -> Template:
    outcome = await house.api.resources.templates.update(before.id, change)
    if isinstance(outcome, Gone):
        raise kept.not_found(_kind(house), before.id)
    if isinstance(outcome, Refused | NoCapacity):
        raise kept.refusal(outcome, "Nothing was changed.")
    lost = isinstance(outcome, Unknown)
    if seen := await _see(house, before, change, news, lost):
        return seen
    if isinstance(outcome, Unknown) and outcome.looks_like:
        raise kept.refusal(outcome.looks_like, "Nothing was changed.")
    message = (
        f"Template {before.id} was told to change but cannot be seen to have done so. Calling again is safe."
    )
    raise Failure(Code.OUTCOME_UNKNOWN, message, Retry.LATER)


async def _see(
    house: House, before: Template, change: TemplateChange, news: list[str], lost: bool
) -> Template | None:
    """The template once it is as asked, as far as it is told; where the answer was lost, something must have changed."""
    for wait in (0.0, *house.confirm_after):
        if wait:
            await house.clock.sleep(wait)
        try:
            own = await house.api.resources.templates.list_all()
        except Failure:
            continue
        seen = next((one for one in own if one.id == before.id), None)
        if seen is None or any(_shows(seen, change, name) is False for name in news):
            continue
        if not lost or any(_shows(before, change, name) is False for name in news):
            return seen
    return None
