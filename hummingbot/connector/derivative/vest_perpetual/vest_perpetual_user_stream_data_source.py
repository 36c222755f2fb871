"""The private socket: the listen key's life, the subscription to `account_private`, and what comes from it."""
import asyncio
from typing import TYPE_CHECKING, Any, Dict, Optional

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestListenKeyError,
    VestUnauthorizedError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import (
    ChannelRequest,
    SocketKeeper,
    SocketTiming,
    VestSocket,
    VestSubscriptionError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import listen_key_from
from hummingbot.core.data_type.user_stream_tracker_data_source import UserStreamTrackerDataSource
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

if TYPE_CHECKING:
    from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative

# Put into the output queue whenever the private channel is subscribed to, the first time too: events may have been
# missed before, so whoever reads the queue has to reconcile. Otherwise the queue holds the venue's decoded messages.
STREAM_RECONNECTED: Dict[str, Any] = {"event": "STREAM_RECONNECTED"}


class VestPerpetualUserStreamDataSource(UserStreamTrackerDataSource):
    """Brings the events of the account, over one connection after another.

    Every connection starts with `POST /account/listenKey`: the venue answers with the live key, extended, or with a new
    one (protocol section 5). So a key of unknown standing is never used, whatever ended the last connection: a key that
    could not be renewed (1125 or a second failure), a close code 4003-4005, another bot that deleted the key. On stop
    the key stays, because another bot on the account may share it (design decision 9).

    A socket that answers PINGs but has lost its events cannot be told from a quiet account here. Whoever polls the
    account sees an event that never came, and calls `request_reconnect`.

    :param connector: is told of a refused API key by `on_api_key_refused(error)`, if it has that method
    :param api_factory: makes REST and WebSocket assistants
    :param domain: one of the three domains
    :param account_group: the account's group
    :param timing: of the socket
    :param listen_key_renewal_s: how often the listen key is renewed, in seconds
    :param listen_key_retry_s: when a failed renewal is tried again, in seconds
    """

    def __init__(
            self,
            connector: "VestPerpetualDerivative",
            api_factory: WebAssistantsFactory,
            domain: str = CONSTANTS.DEFAULT_DOMAIN,
            account_group: int = 0,
            timing: SocketTiming = SocketTiming(),
            listen_key_renewal_s: float = CONSTANTS.LISTEN_KEY_RENEWAL_S,
            listen_key_retry_s: float = CONSTANTS.LISTEN_KEY_RETRY_S,
    ):
        super().__init__()
        self._connector = connector
        self._api_factory = api_factory
        self._domain = domain
        self._account_group = account_group
        self._listen_key_renewal_s = listen_key_renewal_s
        self._listen_key_retry_s = listen_key_retry_s
        self._keeper = SocketKeeper("user stream", api_factory, timing, self.logger())
        self._subscription: Optional[ChannelRequest] = None
        self._live_socket: Optional[VestSocket] = None  # the private channel is subscribed to
        self._earlier_recv_time = 0.0

    @property
    def last_recv_time(self) -> float:
        """When the venue last sent data or answered a PING, in seconds since the epoch; 0 before that.

        The framework polls more often when this is old (B13), so connections without the private channel do not count.
        It outlives a connection, because 0 means "not ready" to the framework.
        """
        return max(self._earlier_recv_time, self._live_socket.last_recv_time if self._live_socket else 0.0)

    def request_reconnect(self, reason: str) -> None:
        """Take a new listen key and a new connection, when events were missed that the account's polling has seen.

        :param reason: for the log
        """
        if self._ws_assistant is not None:
            self._ws_assistant.fail(reason)

    def reconnect_at_once(self, reason: str) -> None:
        """As `request_reconnect`, and without the pause that failed attempts have brought about.

        :param reason: for the log
        """
        self._keeper.hurry()
        self.request_reconnect(reason)

    async def _connected_websocket_assistant(self) -> VestSocket:
        socket = await self._keeper.open(self._get_private_url)
        socket.spawn(self._manage_listen_key_task_loop())
        return socket

    async def _subscribe_channels(self, websocket_assistant: VestSocket) -> None:
        # The answer can only be awaited while messages are read.
        self._subscription = await websocket_assistant.request(
            CONSTANTS.WS_SUBSCRIBE, [CONSTANTS.ACCOUNT_PRIVATE_CHANNEL]
        )

    async def _process_websocket_messages(self, websocket_assistant: VestSocket, queue: asyncio.Queue) -> None:
        def handle(message: ChannelMessage, payload: Dict[str, Any]) -> None:
            if message.channel == CONSTANTS.ACCOUNT_PRIVATE_CHANNEL and message.data:
                # It may have come together with the venue's answer, which nobody has been told of yet.
                self._announce(websocket_assistant, queue)
                queue.put_nowait(payload)

        websocket_assistant.spawn(self._wait_and_announce(self._subscription, websocket_assistant, queue))
        await self._keeper.read(websocket_assistant, handle)

    async def _on_user_stream_interruption(self, websocket_assistant: Optional[VestSocket]) -> None:
        self._earlier_recv_time = self.last_recv_time
        self._live_socket = None
        await super()._on_user_stream_interruption(websocket_assistant)

    async def _wait_and_announce(self, subscription: ChannelRequest, socket: VestSocket, queue: asyncio.Queue) -> None:
        try:
            await subscription.acknowledged()
        except VestSubscriptionError as error:
            socket.fail(f"the private channel was not subscribed to ({error})")
        else:
            self._announce(socket, queue)

    def _announce(self, socket: VestSocket, queue: asyncio.Queue) -> None:
        """Tells the reader of a connection once, before its first event."""
        if self._live_socket is not socket:
            self._live_socket = socket
            queue.put_nowait(STREAM_RECONNECTED)

    async def _get_private_url(self) -> str:
        renewals = self._api_factory.auth.renewals
        try:
            listen_key = await self._get_listen_key()
        except VestUnauthorizedError as error:
            if renewals != self._api_factory.auth.renewals:
                return await self._get_private_url()  # it was the keys before
            self._connector.on_api_key_refused(error)
            raise
        return web_utils.private_ws_url(listen_key, self._domain, self._account_group)

    async def _manage_listen_key_task_loop(self) -> None:
        """Renews the listen key of a connection, and asks for a new key and connection when it cannot be renewed."""
        while True:
            await self._sleep(self._listen_key_renewal_s)
            try:
                is_renewed = await self._ping_listen_key()
                if not is_renewed:
                    await self._sleep(self._listen_key_retry_s)
                    is_renewed = await self._ping_listen_key()
            except (VestListenKeyError, VestUnauthorizedError):
                is_renewed = False
            if not is_renewed:
                self.request_reconnect("the listen key could not be renewed")
                return

    async def _get_listen_key(self) -> str:
        """The account's live listen key, extended, or a new one.

        :raises VestError: when the venue gives none
        :raises VestPayloadError: when its answer holds none
        """
        return listen_key_from(await self._request_listen_key(RESTMethod.POST))

    async def _ping_listen_key(self) -> bool:
        """Extend the listen key's life.

        :return: whether that was done; if not, it may be tried again
        :raises VestListenKeyError: when there is no live key any more
        :raises VestUnauthorizedError: when the API key is not accepted
        """
        try:
            await self._request_listen_key(RESTMethod.PUT)
        except (VestListenKeyError, VestUnauthorizedError):
            raise
        except VestError as error:
            self.logger().warning(f"The listen key was not renewed ({error}).")
            return False
        return True

    async def _delete_listen_key(self) -> None:
        """Close the account's listen key. Cuts off every other bot on the account, so nothing here calls it.

        :raises VestError: when the venue did not do it
        """
        await self._request_listen_key(RESTMethod.DELETE)

    async def _request_listen_key(self, method: RESTMethod) -> Any:
        assistant = await self._api_factory.get_rest_assistant()
        return await assistant.execute_request(
            url=web_utils.private_rest_url(CONSTANTS.LISTEN_KEY_PATH, self._domain),
            throttler_limit_id=CONSTANTS.LISTEN_KEY_PATH,
            method=method,
            is_auth_required=True,
            timeout=CONSTANTS.REQUEST_TIMEOUT_S,
        )
