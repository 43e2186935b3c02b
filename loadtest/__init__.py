"""What the hub can carry, measured from outside: knows the protocol and the client, never the server."""
