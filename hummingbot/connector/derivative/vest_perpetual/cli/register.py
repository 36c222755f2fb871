"""`register`: a fresh signing key, approved by the wallet and registered with the venue, into Hummingbot's keystore."""
from pathlib import Path
from typing import Annotated, Any, Dict, Optional, Tuple

import typer
from eth_account import Account

from hummingbot import data_path
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli import keystore, output, prompts, wallet
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    ExitCode,
    JsonOption,
    YesOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestRefusedError,
    is_outcome_unknown,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import (
    HOUR_MS,
    RegistrationNote,
    api_key_and_group_from,
    register_request,
    renewal_command,
)

# The venue's own limits are not known; its documents use seven days, and nobody was seen with more than thirty.
SHORTEST_MS, LONGEST_MS = HOUR_MS, 30 * 24 * HOUR_MS
# What a refusal means for a registration, where it is something else than for a request that a registered key signs.
_REFUSALS = {
    1022: "the wallet's signature is not accepted; check that the wallet is the one of your Vest account, and --domain",
    1099: "Vest knows no account of this wallet; open one with the wallet in Vest's app, then try again",
    1130: "a value is not accepted, the expiry perhaps; try a shorter one, such as --expires 7d",
}


@command
async def register(
        context: typer.Context,
        domain: DomainOption = Domain.PRODUCTION,
        expires: Annotated[str, typer.Option(
            help="For how long the key may act: a number with h, d or w; from 1h to 30d.",
        )] = "7d",
        save: Annotated[bool, typer.Option(
            "--save", help="Store the values, encrypted, in Hummingbot's keystore instead of printing them.",
        )] = False,
        wallet_key_env: Annotated[Optional[str], typer.Option(
            metavar="NAME", help="Take the wallet's private key from this environment variable.",
        )] = None,
        wallet_keystore: Annotated[Optional[Path], typer.Option(
            metavar="FILE", help="Take the wallet's private key from this keystore file (JSON); its password from "
                                 f"{wallet.KEYSTORE_PASSWORD_VARIABLE}, or asked for.",
        )] = None,
        sign_elsewhere: Annotated[Optional[str], typer.Option(
            metavar="ADDRESS", help="Print what the wallet of this address has to sign, and read the signature.",
        )] = None,
        yes: YesOption = False,
        as_json: JsonOption = False,
) -> None:
    """Make a signing key, have your wallet approve it, register it.

    The signing key is a fresh one for the bot; it can trade and withdraw for the account until it expires. The wallet's
    own private key is only asked for (without echo) to approve it: it is not stored, and not taken as an argument.
    """
    if context.args:
        raise CommandError("register takes no arguments; if one of these was a key, it is now in your shell's history: "
                           "delete it there, and give the key when it is asked for", ExitCode.USAGE)
    life_ms = life_ms_from(expires)
    approve = wallet.approver(wallet_key_env, wallet_keystore, sign_elsewhere, as_json)
    store = _open_keystore(domain.value, yes) if save else None
    async with Venue(domain.value) as venue:
        await venue.learn_time()  # and see that the venue answers, before anybody enters anything
        signer = Account.create()
        expiry_ms = venue.clock.now_ms() + life_ms
        approval = approve(domain.value, signer.address, expiry_ms)
        await venue.reconnect()
        api_key, account_group = await _registered(venue, register_request(
            signer.address, approval.wallet_address, approval.signature, expiry_ms,
        ))
    keys = Keys(domain.value, api_key, "0x" + bytes(signer.key).hex(), account_group)
    result = {
        "domain": domain.value,
        "saved": False,
        "account_group": account_group,
        "signing_address": signer.address,
        "wallet_address": approval.wallet_address,
        "expires_ms": expiry_ms,
        "renewal_command": renewal_command(domain.value),
    }
    if store is None:
        _hand_over(result, keys, as_json)
    else:
        _store(store, result, keys, as_json)


def life_ms_from(text: str) -> int:
    """How long a registration is to last, in ms.

    :param text: such as 7d, 26h or 2w
    :raises CommandError: when it is something else, or out of bounds
    """
    life_ms = output.span_ms(text)
    if life_ms is None or not SHORTEST_MS <= life_ms <= LONGEST_MS:
        raise CommandError("--expires takes a number with h, d or w, from 1h to 30d, such as 7d", ExitCode.USAGE)
    return life_ms


def _open_keystore(domain: str, is_agreed: bool) -> keystore.Keystore:
    """Everything that can go wrong with storing goes wrong here, before anything is registered."""
    store = keystore.Keystore.unlock_or_create()
    store.check_writable(domain)
    if keystore.has_keys(domain):
        prompts.confirm(f"Hummingbot has keys of {domain} already. Replace them by the new ones?", is_agreed)
    return store


async def _registered(venue: Venue, request: Dict[str, Any]) -> Tuple[str, int]:
    """Registers; the API key and the account group."""
    try:
        return api_key_and_group_from(await venue.post(CONSTANTS.REGISTER_PATH, request, is_auth_required=False))
    except VestRefusedError as error:
        words = _REFUSALS.get(error.code)
        if words is None:
            raise
        raise CommandError(f"Vest error {error.code}: {words}", ExitCode.REFUSED, venue_code=error.code) from None
    except VestError as error:
        if not is_outcome_unknown(error):
            raise
        raise CommandError(
            f"it is not known whether Vest has registered the key ({error}); nothing is lost, keys that were stored "
            f"before still are, and nobody has the new one: run the same command again, which makes another",
            ExitCode.UNKNOWN,
        ) from None


def _store(store: keystore.Keystore, result: Dict[str, Any], keys: Keys, as_json: bool) -> None:
    """Stores the values; what is registered must not be lost, so they are printed when that fails."""
    try:
        store.write(keys.domain, keys.fields)
    except CommandError as error:
        _hand_over(result, keys, as_json)
        output.note(f"Error: the key is registered but could not be stored, so its values are printed: {error}.")
        raise typer.Exit(int(ExitCode.FAILED))
    try:
        RegistrationNote(result["signing_address"].lower(), result["expires_ms"], keys.account_group).write(
            Path(data_path()), keys.domain)
    except OSError as error:
        output.note(f"The expiry could not be noted ({error.strerror}): nothing will warn of it.")
    text = (
        f"Registered, and stored in Hummingbot's keystore, where `connect` shows {keys.domain}. A bot that runs here "
        f"on the same account goes on with the new key by itself.\n\n{_facts(result)}"
    )
    output.emit({**result, "saved": True}, text, as_json)


def _hand_over(result: Dict[str, Any], keys: Keys, as_json: bool) -> None:
    """Prints the three values: the one place where this is meant to happen."""
    values = output.lines(keys.fields, {name: name for name in keys.fields})
    text = (
        f"Registered. Enter these three values with: connect {keys.domain}\n"
        f"They are shown this once and stored nowhere; who has them can trade with the account.\n\n"
        f"{values}\n\n{_facts(result)}"
    )
    secrets = {"api_key": keys.api_key, "signing_private_key": keys.signing_private_key}
    output.emit({**result, **secrets}, text, as_json)


def _facts(result: Dict[str, Any]) -> str:
    facts = output.lines(result, {"signing_address": "Signing key", "wallet_address": "Wallet",
                                  "account_group": "Account group", "expires_ms": "Expires"})
    return (f"{facts}\n\nAfter that nothing can be traded or cancelled with it. Renew it before: "
            f"{result['renewal_command']}")
