"""The Python client: connect, resume, send, stop. `connect` in device.py is the way in."""
