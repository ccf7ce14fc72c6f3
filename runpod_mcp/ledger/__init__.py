"""Where money is set aside before Runpod is called, and what became of it."""
