"""The only rooms, with app.py, that know Starlette and uvicorn."""
