"""The only rooms that know Starlette and uvicorn."""
