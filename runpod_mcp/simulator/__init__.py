"""A small, honest stand-in for Runpod that keeps its own books. It shares no code with the client it judges."""
