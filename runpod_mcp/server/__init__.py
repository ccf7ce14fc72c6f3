"""The MCP server: tools in, short replies out."""
