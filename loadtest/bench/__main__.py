"""`python -m loadtest.bench ORDER` is the door for a harness, see door.py."""

import click
import msgspec

from loadtest.bench.contract import Order
from loadtest.bench.door import serve


@click.command()
@click.argument("order")
@click.option("--merge", default=0.0, show_default=True, help="Milliseconds over which tokens are gathered.")
def main(order: str, merge: float) -> None:
    """Serve what an ORDER says, a JSON object, as part of a benchmark."""
    try:
        serve(msgspec.json.decode(order, type=Order), merge / 1_000)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(str(error)) from error


if __name__ == "__main__":
    main()
