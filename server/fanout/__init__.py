"""From one event to the sockets of a user, without waiting for any of them."""
