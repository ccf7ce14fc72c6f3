"""What may be asked of Runpod, what a pod is, and what goes back to the agent."""
