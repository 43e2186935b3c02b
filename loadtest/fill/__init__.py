"""Users, sessions and messages at any size, as the hub itself would have written them.

This part alone knows the hub's own code, for the words, hashes, titles and seals of a row are to be the hub's.
"""
