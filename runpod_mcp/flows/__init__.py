"""The stories: what happens, step by step, when an agent asks for something."""
