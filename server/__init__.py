"""The hub: streams a tutor's words to all devices of a user, and keeps every message."""
