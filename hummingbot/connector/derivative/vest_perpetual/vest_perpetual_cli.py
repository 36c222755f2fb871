"""`vest-perpetual`, the command line of the connector: register a key, look at the account, act on it by hand.

    vest-perpetual register --save
    vest-perpetual account

Where the wheel is installed the command is `vest-perpetual`; in a source tree,
`python -m hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli`. The commands are in `cli/`.
"""
from typing import Annotated

import typer

from hummingbot.connector.derivative.vest_perpetual.cli import (
    account,
    certify,
    connect,
    doctor,
    order,
    orders,
    register,
    report,
    stream,
    transfers,
)
from hummingbot.connector.derivative.vest_perpetual.cli.tool import Tool
from hummingbot.connector.derivative.vest_perpetual.cli.versions import versions

# Their own words refuse an argument without repeating it, because it may be a key.
_REFUSING_ARGUMENTS = {"allow_extra_args": True}

app = typer.Typer(
    cls=Tool,
    name="vest-perpetual",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_versions(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(versions())
        raise typer.Exit()


@app.callback()
def _root(
        version: Annotated[bool, typer.Option(
            "--version", callback=_show_versions, is_eager=True, help="Show the versions of this and of Hummingbot."
        )] = False,
) -> None:
    """Vest Markets for Hummingbot: register a signing key, look at the account, act on it by hand.

    Keys come from Hummingbot's keystore (its password from HBOT_PASSWORD, or asked for) or from a private file
    (--keys FILE). No command takes a key as an argument.

    Exit codes: 0 done; 1 something failed on this computer, or you said no; 2 a wrong option or value, nothing was
    sent; 3 the keys are missing, wrong, expired or cannot be read; 4 Vest refused, nothing was done; 5 Vest cannot be
    reached or gave no answer, nothing was done; 6 it is not known what became of it: look before you try again;
    130 Ctrl-C.
    """


app.command("account")(account.account)
app.command("cancel")(orders.cancel)
app.command("certify")(certify.certify)
app.command("connect", context_settings=_REFUSING_ARGUMENTS)(connect.connect)
app.command("doctor")(doctor.doctor)
app.command("leverage")(account.leverage)
app.command("lp")(transfers.lp)
app.command("order")(order.order)
app.command("orders")(orders.orders)
app.command("register", context_settings=_REFUSING_ARGUMENTS)(register.register)
app.command("report")(report.report)
app.command("stream")(stream.stream)
app.command("transfers")(transfers.transfers)
app.command("withdraw")(transfers.withdraw)


def main() -> None:
    """What the console script runs."""
    app(prog_name="vest-perpetual")


if __name__ == "__main__":
    main()
