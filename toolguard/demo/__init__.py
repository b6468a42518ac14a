"""The demonstration: a real tool server, the real proxy in front of it, a scripted client, and a reviewer.

Nothing here is a shortcut: the client speaks MCP to a process of the proxy, the reviewer speaks HTTP to the review
page's server, and what is reported was read from the log and from the files. Needs the extra `mcp`.
"""
