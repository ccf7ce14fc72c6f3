"""Rent Runpod GPUs for an agent, inside the limits a person set."""

__version__ = "0.1.0"
