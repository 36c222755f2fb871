"""Keys that expire, that are the wallet's, that are refused, and that are renewed while the connector runs."""
import asyncio
import base64
import json
import logging
import os
import re
import tempfile
import time
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    API_KEY,
    SIGNING_KEY,
    DerivativeTestCase,
    account,
    answering,
    refusing,
)
from unittest.mock import patch

from aiohttp import web
from eth_account import Account

import hummingbot
from hummingbot.client.config import config_crypt, config_helpers, security
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_stored_keys,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestOtherAccountError,
    VestUnauthorizedError,
    VestUnusableKeyError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import RegistrationNote
from hummingbot.core.network_iterator import NetworkStatus

DOMAIN = CONSTANTS.SIMULATOR_DOMAIN
GET_ACCOUNT = ("GET", CONSTANTS.ACCOUNT_PATH)
POST_CANCEL = ("POST", CONSTANTS.ORDERS_CANCEL_PATH)
NEW_SIGNING_KEY = "0x" + "2b" * 32
WALLET = "0x" + "c0ffee" + "00" * 17
HOUR_MS = 3_600_000
WRITING_NS = 60 * 10 ** 9  # so long a file counts as being written, which no test takes


def jwt(expires_in_s):
    """An API key that says when it expires."""
    payload = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + expires_in_s}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl"


def answering_page(status):
    """What a firewall in front of the venue answers."""
    async def answer(_):
        return web.Response(status=status, text="<html>no</html>", content_type="text/html")

    return answer


def owned_by(wallet):
    return answering({**account(), "address": wallet})


class KeyLifeTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answers[POST_CANCEL] = refusing(3017)

    def expiry_warnings(self):
        return [text for text in self.warnings() if "vest-perpetual register --save" in text]

    def note_registration(self, expires_in_ms, key=SIGNING_KEY):
        note = RegistrationNote(
            Account.from_key(key).address.lower(), self.connector.venue_time_ms + expires_in_ms, account_group=0)
        note.write(hummingbot.data_path(), DOMAIN)

    # --- Expiry

    async def test_keys_that_expire_soon_are_said_also_by_a_bot_that_starts_late(self):
        for left_s, words in ((3 * 86400, None), (86400 - 60, "less than a day"), (3000, "less than an hour"),
                              (-60, "have expired")):
            with self.subTest(left_s=left_s):
                self.logs.records.clear()
                self.connector = self.make_connector(vest_perpetual_api_key=jwt(left_s))
                for _ in range(3):
                    await self.poll()

                said = self.expiry_warnings()
                self.assertEqual(0 if words is None else 1, len(said))
                self.assertTrue(all(words in text for text in said))

    async def test_the_note_of_the_registration_tells_when_the_signing_key_expires(self):
        self.note_registration(30 * HOUR_MS)
        now_ms = self.connector.venue_time_ms
        for hours in (0, 7, 8, 29.5, 29.6, 30.5, 31):
            self.connector._clock.now_ms = lambda: int(now_ms + hours * HOUR_MS)
            await self.poll()

        said = self.expiry_warnings()
        self.assertEqual(["expire in less than a day", "expire in less than an hour", "have expired"],
                         [text.split(" (")[0].removeprefix("The Vest keys ") for text in said])
        self.assertIn(f"vest-perpetual register --save --domain {DOMAIN}", said[0])

    async def test_the_earlier_end_counts_and_the_note_of_another_key_does_not(self):
        self.note_registration(50 * HOUR_MS)
        self.connector = self.make_connector(vest_perpetual_api_key=jwt(3000))
        await self.poll()
        self.assertEqual(1, len(self.expiry_warnings()))
        self.logs.records.clear()

        self.note_registration(HOUR_MS // 2, key=NEW_SIGNING_KEY)
        self.connector = self.make_connector()
        await self.poll()
        self.assertEqual([], self.expiry_warnings())

    async def test_an_expiry_that_is_no_date_stops_nothing(self):
        for left_s in (float("nan"), float("inf"), -1e300, -1e12):
            with self.subTest(left_s=left_s):
                self.venue.requests.clear()
                self.connector = self.make_connector(vest_perpetual_api_key=jwt(left_s))
                await self.poll()
                self.assertTrue(self.venue.asked(*GET_ACCOUNT))

    # --- The key of the wallet, and one that does not sign for this account

    async def test_the_key_of_the_wallet_is_refused_and_signs_nothing(self):
        self.venue.answers[GET_ACCOUNT] = owned_by(Account.from_key(SIGNING_KEY).address)
        connector = self.make_connector(trading_required=False)

        with self.assertRaisesRegex(VestUnusableKeyError, "is the key of your wallet.*vest-perpetual register"):
            await connector._update_balances()
        with self.assertRaises(VestUnusableKeyError):
            await connector._send_cancel("0x1")

        self.assertEqual([], self.venue.asked(*POST_CANCEL))
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await connector.check_network())
        self.assertEqual(1, len([text for text in self.logs.texts(logging.ERROR) if "your wallet" in text]))

    async def test_connect_and_balance_have_the_venue_look_at_a_signature(self):
        connector = self.make_connector(trading_required=False)
        self.venue.answers[POST_CANCEL] = refusing(3017)
        await connector._update_balances()
        self.assertEqual(1, len(self.venue.asked(*POST_CANCEL)))

        self.venue.answers[POST_CANCEL] = refusing(1022)
        with self.assertRaisesRegex(VestUnauthorizedError, "signing private key that was registered together"):
            await connector._update_balances()

    async def test_a_bot_proves_its_signing_key_with_its_orders(self):
        await self.poll()

        self.assertEqual([], self.venue.asked(*POST_CANCEL))

    # --- Renewal

    async def test_new_keys_of_the_same_account_are_taken(self):
        self.venue.answers[GET_ACCOUNT] = owned_by(WALLET)
        await self.poll()
        self.note_registration(HOUR_MS // 2)
        await self.poll()
        self.connector.on_api_key_refused(VestUnauthorizedError(1002, "", 401))
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

        await self.connector.renew_keys(" new-api-key\n", NEW_SIGNING_KEY, "0")

        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        self.assertTrue(self.connector.authenticator.holds("new-api-key", NEW_SIGNING_KEY))
        self.note_registration(HOUR_MS // 2, key=NEW_SIGNING_KEY)
        await self.poll()
        self.assertEqual(3, len(self.expiry_warnings()))  # each key's end, and the refusal

    async def test_keys_of_another_account_are_not_taken(self):
        self.venue.answers[GET_ACCOUNT] = owned_by(WALLET)
        await self.poll()

        with self.assertRaisesRegex(VestOtherAccountError, "account group is 7, not 0.*stop the bot"):
            await self.connector.renew_keys("new-api-key", NEW_SIGNING_KEY, 7)
        self.venue.answers[GET_ACCOUNT] = owned_by("0x" + "be" * 20)
        with self.assertRaisesRegex(VestOtherAccountError, "another wallet"):
            await self.connector.renew_keys("new-api-key", NEW_SIGNING_KEY, 0)
        self.assertEqual(Account.from_key(SIGNING_KEY).address, self.connector.authenticator.signing_address)

    async def test_new_keys_that_are_refused_or_are_the_wallets_are_not_taken(self):
        cases = [
            (GET_ACCOUNT, refusing(1002, 401), VestUnauthorizedError),
            (POST_CANCEL, refusing(1022), VestUnauthorizedError),
            (GET_ACCOUNT, owned_by(Account.from_key(NEW_SIGNING_KEY).address), VestUnusableKeyError),
        ]
        for request, answer, error in cases:
            with self.subTest(error=error), patch.dict(self.venue.answers, {request: answer}):
                with self.assertRaises(error):
                    await self.connector.renew_keys("new-api-key", NEW_SIGNING_KEY, 0)
        self.assertEqual(Account.from_key(SIGNING_KEY).address, self.connector.authenticator.signing_address)
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())

    async def test_a_late_refusal_of_the_old_keys_says_nothing_of_the_new_ones(self):
        async def late(_):
            await self.connector.renew_keys("new-api-key", NEW_SIGNING_KEY, 0)
            return web.json_response({"code": 1002, "msg": "no"}, status=401)

        with patch.dict(self.venue.answers, {("GET", CONSTANTS.ORDERS_PATH): late}):
            with self.assertRaises(VestUnauthorizedError):
                await self.connector._api_get(path_url=CONSTANTS.ORDERS_PATH, is_auth_required=True)

        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        self.assertEqual([], self.logs.texts(logging.ERROR))

    async def test_the_keys_in_use_are_not_tried_again(self):
        self.venue.requests.clear()
        await self.connector.renew_keys(f" {API_KEY}", f"'{SIGNING_KEY}'", 9)

        self.assertEqual([], self.venue.requests)


class KeystoreTests(DerivativeTestCase):
    """The keys come from a real keystore, whose password the client has been given."""

    async def asyncSetUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(patch.object(config_helpers, "CONNECTORS_CONF_DIR_PATH", folder))
        self.manager = config_crypt.ETHKeyFileSecretManger("a password")
        self.enterContext(patch.object(security.Security, "secrets_manager", self.manager))
        self.enterContext(patch.object(security.Security, "_secure_configs", {}))
        self.enterContext(patch.object(vest_perpetual_stored_keys, "_WRITING_NS", WRITING_NS))
        # A thousandth of the work that the keystore does in earnest.
        self.enterContext(patch.object(config_crypt, "get_default_work_factor_for_kdf", lambda kdf: 1000))
        await super().asyncSetUp()
        self.venue.answers.update({GET_ACCOUNT: owned_by(WALLET), POST_CANCEL: refusing(3017)})

    def store(self, api_key="new-api-key", key=NEW_SIGNING_KEY, group=0):
        path = config_helpers.get_connector_config_yml_path(DOMAIN)
        path.write_text("\n".join([
            f"connector: {DOMAIN}",
            f"{DOMAIN}_api_key: {self.manager.encrypt_secret_value('', api_key)}",
            f"{DOMAIN}_signing_private_key: {self.manager.encrypt_secret_value('', key)}",
            f"{DOMAIN}_account_group: {group}",
        ]))
        self.let_time_pass()

    @staticmethod
    def let_time_pass():
        """The file is not being written any more."""
        path = config_helpers.get_connector_config_yml_path(DOMAIN)
        changed_ns = path.stat().st_mtime_ns - 2 * WRITING_NS
        os.utime(path, ns=(changed_ns, changed_ns))

    async def check(self):
        """One check of the network, and what it sets off."""
        status = await self.connector.check_network()
        await self.until(lambda: not self.connector._is_renewing_keys)
        return status

    def uses(self, key):
        return self.connector.authenticator.signing_address == Account.from_key(key).address

    async def test_keys_that_are_stored_while_the_bot_runs_are_taken(self):
        await self.check()
        self.store()
        await self.check()

        self.assertTrue(self.uses(NEW_SIGNING_KEY))
        self.assertEqual(1, len([text for text in self.logs.texts(logging.INFO) if "New Vest keys" in text]))
        self.assertEqual([], self.warnings())
        count = len(self.venue.private_requests)
        await self.check()
        self.assertEqual(count, len(self.venue.private_requests))

    async def test_after_a_refusal_keys_are_taken_that_were_stored_before_the_bot_was_made(self):
        self.store()
        self.connector = self.make_connector()
        await self.connector._update_trading_rules()
        await self.check()
        self.assertFalse(self.uses(NEW_SIGNING_KEY))

        self.connector.on_api_key_refused(VestUnauthorizedError(1002, "", 401))
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.check())
        self.assertEqual(NetworkStatus.CONNECTED, await self.check())
        self.assertTrue(self.uses(NEW_SIGNING_KEY))

    async def test_stored_keys_that_cannot_be_used_are_said_once(self):
        cases = [
            (lambda: self.store(group=3), "account group is 3, not 0"),
            (lambda: self.store(key="nothing like a key"), "64 hexadecimal digits"),
            (self.store_with_another_password, "cannot be read.*another password"),
            (self.store_nothing, "cannot be read"),
            (lambda: self.store_damaged(b'{"version": 1, "crypto": {}}'.hex()), "cannot be read"),
            (lambda: self.store_damaged(b"[1, 2]".hex()), "cannot be read"),
        ]
        for store, words in cases:
            with self.subTest(words=words):
                self.logs.records.clear()
                store()
                for _ in range(3):
                    await self.check()
                error, = self.logs.texts(logging.ERROR)
                self.assertRegex(error, f"The keys stored for {DOMAIN} are not taken: .*{words}")
                self.assertTrue(self.uses(SIGNING_KEY))

    def store_with_another_password(self):
        with patch.object(self, "manager", config_crypt.ETHKeyFileSecretManger("another password")):
            self.store()

    def store_nothing(self):
        config_helpers.get_connector_config_yml_path(DOMAIN).write_text("connector: vest_perpetual_simulator\n")
        self.let_time_pass()

    def store_damaged(self, api_key):
        self.store()
        path = config_helpers.get_connector_config_yml_path(DOMAIN)
        path.write_text(re.sub(r"(_api_key:) \w+", rf"\1 {api_key}", path.read_text()))
        self.let_time_pass()

    async def test_a_file_that_is_being_written_is_left_to_the_next_look(self):
        self.store()
        path = config_helpers.get_connector_config_yml_path(DOMAIN)
        complete = path.read_text()
        path.write_text(complete[:50])
        await self.check()
        self.assertEqual([], self.warnings())

        path.write_text(complete)
        self.let_time_pass()
        await self.check()
        self.assertTrue(self.uses(NEW_SIGNING_KEY))

    async def test_stored_keys_that_could_not_be_tried_are_tried_again(self):
        self.store()
        with patch.dict(self.venue.answers, {GET_ACCOUNT: refusing(1003, 429)}):
            await self.check()
        self.assertTrue(self.uses(SIGNING_KEY))
        self.connector._throttler.note_success()
        self.connector._throttler._hold_until_s = 0

        await self.check()
        self.assertTrue(self.uses(NEW_SIGNING_KEY))

    async def test_keys_that_the_venue_did_not_look_at_are_neither_taken_nor_given_up(self):
        self.store()
        refusals = [
            (POST_CANCEL, refusing(1132)), (POST_CANCEL, refusing(1131)), (GET_ACCOUNT, refusing(1131)),
            (POST_CANCEL, answering_page(403)), (GET_ACCOUNT, answering_page(403)),
        ]
        for request, answer in refusals:
            with self.subTest(request=request), patch.dict(self.venue.answers, {request: answer}):
                await self.check()
                self.assertTrue(self.uses(SIGNING_KEY))
        self.assertEqual([], self.logs.texts(logging.ERROR))
        await self.check()
        self.assertTrue(self.uses(NEW_SIGNING_KEY))

    async def test_keys_that_were_refused_are_tried_again_when_those_in_use_are_refused_too(self):
        self.store()
        with patch.dict(self.venue.answers, {GET_ACCOUNT: refusing(1002, 401)}):
            await self.check()
        refusal = VestUnauthorizedError(1002, "", 401)
        self.connector.on_api_key_refused(refusal)
        await self.check()
        self.assertTrue(self.uses(SIGNING_KEY))

        self.enterContext(patch.object(vest_perpetual_stored_keys, "READ_AGAIN_S", 0.0))
        self.connector.on_api_key_refused(refusal)
        await self.check()
        self.assertTrue(self.uses(NEW_SIGNING_KEY))
        self.assertEqual(NetworkStatus.CONNECTED, await self.check())

    async def test_a_network_that_is_stopped_meanwhile_only_delays_the_new_keys(self):
        self.store()
        for steps in range(4):
            with self.subTest(steps=steps):
                await self.connector.check_network()
                for _ in range(steps):
                    await asyncio.sleep(0)
                await self.connector.stop_network()
        await self.check()

        self.assertTrue(self.uses(NEW_SIGNING_KEY))

    async def test_a_locked_keystore_is_left_alone(self):
        self.store()
        with patch.object(security.Security, "secrets_manager", None):
            await self.check()

        self.assertTrue(self.uses(SIGNING_KEY))
        self.assertEqual([], self.warnings())
