"""The processes in which blocks run: no database, no server, no token."""
