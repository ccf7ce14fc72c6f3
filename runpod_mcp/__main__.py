"""`python -m runpod_mcp` is `runpod-mcp`."""

from runpod_mcp.cli import main

if __name__ == "__main__":
    main()
