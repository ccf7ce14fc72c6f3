"""What exists, what it costs, and in which order to try it."""
