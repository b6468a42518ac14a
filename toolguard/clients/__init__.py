"""Puts the servers of MCP clients behind the proxy, takes them out again, and proves where they stand.

Only the client's own configuration file is edited, only at the two members that say how a server is started,
and everything needed to undo the edit stands in the edit itself.
"""
