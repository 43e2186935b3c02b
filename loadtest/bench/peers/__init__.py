"""The small field: what one would take instead, each in a few lines, as its own documentation writes it. They only
send: no tokens, no sessions, no database. They are started as the hub is, and heard by the same contract.
"""
