"""Where the bytes of media lie: names and bytes, and nothing of whose they are."""
