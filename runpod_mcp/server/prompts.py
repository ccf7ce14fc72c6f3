"""Prompts for the two things people ask most: a GPU for a job, and what they are paying for."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from runpod_mcp.pods.words import clean

MOST_LETTERS = 2000

RENT = """\
Rent a GPU on Runpod for this job:
{job}

1. Read get_budget and list_gpu_types: what is allowed, in stock, and what it costs.
2. Choose the cheapest type whose memory is enough. Ask me if the job does not say how long it runs or what it needs.
3. Call create_pod with dryRun and tell me the GPU, the price per hour, and the most it can cost until its lease ends.
4. When I agree, call create_pod once, with a requestId. After outcome_unknown do not call it again; look with list_pods.
5. Use wait_for_pod until it is ready, then tell me how to connect and when its lease ends.
6. When the job is done, save what matters and call delete_pod."""

PAYING = """\
What am I paying Runpod for right now?

Call get_budget and list_pods (every page). For each pod that costs something say what it is, what it costs per hour, until \
when, and whether this server manages it; stopped pods cost their volume. Name creates whose outcome is open, and what is \
over a limit. End with what is spent and promised today and this month, and what I could stop or delete to save money. \
Change nothing."""


def add_prompts(server: MCPServer[None]) -> None:
    """Give a server its prompts."""

    @server.prompt(
        name="rent_a_gpu",
        title="Rent a GPU for a job",
        description="Find the cheapest GPU that the policy allows for a job, quote it, rent it when you agree.",
    )
    def rent_a_gpu(job: Annotated[str, Field(description="What is to be run, and for how long.")]) -> str:
        lines = [clean(line, MOST_LETTERS) for line in job.splitlines()]
        return RENT.format(job="\n".join(lines)[:MOST_LETTERS])

    @server.prompt(
        name="what_am_i_paying_for",
        title="What am I paying for?",
        description="Everything that costs money at Runpod now, and what could be saved.",
    )
    def what_am_i_paying_for() -> str:
        return PAYING
