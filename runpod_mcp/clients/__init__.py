"""The programs that start this server for an agent: where each keeps its settings, and how to edit them as text."""
