"""How fast the hub is, beside what one would take instead: the same work, the same client, the same run."""
