"""A small client of the Vest v2 API for the simulator's tests, written from the protocol alone."""
import json
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any, AsyncIterator, Callable, Dict, List, Optional, Tuple

import aiohttp
import brotli
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils import keccak

from vest_simulator import Credentials, SimulatorConfig, VestSimulator

ORDER_TYPES = ["uint256", "uint256", "string", "string", "bool", "string", "string", "bool"]
CANCEL_TYPES = ["uint256", "uint256", "string"]
DATA_TYPES = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
CONTRACT = "0x8E4D87AEf4AC4D5415C35A12319013e34223825B"
FRAME_TIMEOUT_S = 60


def sign(private_key: str, types: List[str], values: List[Any]) -> str:
    digest = keccak(encode(types, values))
    return "0x" + Account.sign_message(encode_defunct(digest), private_key).signature.hex().removeprefix("0x")


def registration(primary_key: str, signing_address: str, expiry_ms: int, contract: str = CONTRACT) -> Dict[str, Any]:
    """The body of POST /register."""
    domain = {"name": "VestRouterV2", "version": "0.0.1", "verifyingContract": contract}
    types = {"SignerProof": [{"name": "approvedSigner", "type": "address"},
                             {"name": "signerExpiry", "type": "uint256"}]}
    message = encode_typed_data(domain, types, {"approvedSigner": signing_address, "signerExpiry": expiry_ms})
    signature = "0x" + Account.sign_message(message, primary_key).signature.hex().removeprefix("0x")
    return {"signingAddr": signing_address, "primaryAddr": Account.from_key(primary_key).address.lower(),
            "signature": signature, "expiryTime": expiry_ms, "networkType": 0}


class Answer:
    """Status, headers and parsed body of an HTTP answer."""

    def __init__(self, status: int, headers: Any, raw: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> Optional[int]:
        body = self.json
        return body.get("code") if isinstance(body, dict) else None


class Socket:
    """A WebSocket connection to the simulator; frames are decoded whatever their form."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.types: List[aiohttp.WSMsgType] = []

    async def request(self, method: str, params: List[str], request_id: int = 1) -> None:
        await self.ws.send_str(json.dumps({"method": method, "params": params, "id": request_id}))

    async def receive(self) -> Any:
        message = await self.ws.receive(timeout=FRAME_TIMEOUT_S)
        self.types.append(message.type)
        assert message.type in DATA_TYPES, f"{message.type} {self.ws.close_code}"
        if message.type is aiohttp.WSMsgType.BINARY:
            try:
                return json.loads(message.data)
            except ValueError:
                return json.loads(brotli.decompress(message.data))
        return json.loads(message.data)

    async def until(self, condition: Callable[[Any], bool]) -> Any:
        while True:
            frame = await self.receive()
            if condition(frame):
                return frame

    async def channel(self, name: str) -> Any:
        return await self.until(lambda frame: frame.get("channel") == name)

    async def order_event(self, order_id: Optional[str] = None, status: Optional[str] = None) -> Dict:
        """The args of the next ORDER event (of that order, with that status)."""
        frame = await self.until(lambda frame: frame.get("channel") == "account_private"
                                 and frame["data"]["event"] == "ORDER"
                                 and order_id in (None, frame["data"]["args"]["id"])
                                 and status in (None, frame["data"]["args"]["status"]))
        return frame["data"]["args"]

    async def close_code(self) -> int:
        """Waits until the server has closed the connection."""
        while True:
            message = await self.ws.receive(timeout=FRAME_TIMEOUT_S)
            if message.type not in DATA_TYPES:
                return self.ws.close_code


class Client:
    """A trader with an account at the simulator."""

    def __init__(self, simulator: VestSimulator, credentials: Optional[Credentials] = None) -> None:
        self.simulator = simulator
        self.account = credentials or simulator.accounts[0]
        self.group = self.account.account_group
        self.nonces = count(1000)
        self.session = aiohttp.ClientSession(auto_decompress=True)

    async def close(self) -> None:
        await self.session.close()

    @property
    def now_ms(self) -> int:
        return self.simulator.clock.now_ms()

    def headers(self) -> Dict[str, str]:
        return {"X-API-KEY": self.account.api_key, "xrestservermm": f"restserver{self.group}"}

    async def call(self, method: str, path: str, params: Any = None, body: Any = None,
                   headers: Optional[Dict[str, str]] = None, raw: Optional[bytes] = None) -> Answer:
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        async with self.session.request(method, f"{self.simulator.url}/v2{path}", params=params, data=data,
                                        headers=self.headers() if headers is None else headers) as response:
            return Answer(response.status, response.headers, await response.read())

    async def public(self, path: str, **params: Any) -> Any:
        answer = await self.call("GET", path, params, headers={})
        assert answer.status == 200, answer.raw
        return answer.json

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.call("GET", path, {"time": self.now_ms, **params})
        assert answer.status == 200, answer.raw
        return answer.json

    def order(self, symbol: str = "BTC-PERP", is_buy: bool = True, size: str = "0.1000", order_type: str = "LIMIT",
              limit_price: str = "95000.00", **fields: Any) -> Dict[str, Any]:
        """The `order` object of POST /orders."""
        return {"time": self.now_ms, "nonce": next(self.nonces), "symbol": symbol, "isBuy": is_buy, "size": size,
                "orderType": order_type, "limitPrice": limit_price, "reduceOnly": False, **fields}

    def signed(self, order: Dict[str, Any], key: Optional[str] = None, **beside: Any) -> Dict[str, Any]:
        """The body of POST /orders."""
        values = [order[name] for name in
                  ("time", "nonce", "orderType", "symbol", "isBuy", "size", "limitPrice", "reduceOnly")]
        signature = sign(key or self.account.signing_private_key, ORDER_TYPES, values)
        return {"order": order, "signature": signature, **beside}

    async def post_order(self, **fields: Any) -> Answer:
        return await self.call("POST", "/orders", body=self.signed(self.order(**fields)))

    async def place(self, **fields: Any) -> str:
        """Places an order and returns its id."""
        answer = await self.post_order(**fields)
        assert answer.status == 200, answer.raw
        return answer.json["id"]

    async def market(self, symbol: str, is_buy: bool, size: str, **fields: Any) -> str:
        """A MARKET order at any price within 5 %."""
        market = self.simulator.exchange.markets[symbol]
        far = market.price.mark * (Decimal("1.05") if is_buy else Decimal("0.95"))
        price = (far // market.tick_size * market.tick_size).quantize(market.spec.price_step)
        return await self.place(symbol=symbol, is_buy=is_buy, size=size, order_type="MARKET", limit_price=str(price),
                                **fields)

    def cancel_body(self, order_id: str, **fields: Any) -> Dict[str, Any]:
        order = {"time": self.now_ms, "nonce": next(self.nonces), "id": order_id, **fields}
        values = [order["time"], order["nonce"], order["id"]]
        return {"order": order, "signature": sign(self.account.signing_private_key, CANCEL_TYPES, values)}

    async def cancel(self, order_id: str) -> Answer:
        return await self.call("POST", "/orders/cancel", body=self.cancel_body(order_id))

    async def find(self, order_id: str) -> Dict[str, Any]:
        """The order as GET /orders shows it."""
        rows = await self.get("/orders", id=order_id)
        assert len(rows) == 1
        return rows[0]

    async def listen_key(self) -> str:
        return (await self.call("POST", "/account/listenKey")).json["listenKey"]

    async def connect(self, **query: Any) -> Socket:
        """A WebSocket with the given query beside version and group."""
        params = {"version": "1.0", "xwebsocketserver": f"restserver{self.group}", **query}
        params = {name: value for name, value in params.items() if value is not None}
        ws = await self.session.ws_connect(self.simulator.url.replace("http", "ws") + "/ws-api", params=params)
        return Socket(ws)

    async def subscribe(self, *channels: str) -> Socket:
        """A public socket with acknowledged subscriptions."""
        socket = await self.connect()
        await socket.request("SUBSCRIBE", list(channels))
        await socket.until(lambda frame: frame == {"result": None, "id": 1})
        return socket

    async def private_socket(self) -> Socket:
        """A private socket that is subscribed to the account's events."""
        socket = await self.connect(listenKey=await self.listen_key())
        await socket.request("SUBSCRIBE", ["account_private"])
        await socket.until(lambda frame: frame == {"result": None, "id": 1})
        return socket


@asynccontextmanager
async def running(**config: Any) -> AsyncIterator[Tuple[VestSimulator, Client]]:
    """A simulator with paused prices, and a client of its first account."""
    config.setdefault("tick_interval_s", 0.02)
    async with VestSimulator(SimulatorConfig(**config)) as simulator:
        simulator.exchange.prices_paused = True
        client = Client(simulator)
        try:
            yield simulator, client
        finally:
            await client.close()
