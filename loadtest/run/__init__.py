"""`python -m loadtest run`: as many learners as one likes, over real sockets, and what they felt."""
