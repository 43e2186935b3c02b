"""The proof of the promises, from outside: it knows the protocol and the client, and only runs the server."""
