"""A request that changes the account, made ready and not sent: for `--dry-run`, and before the question for a real one.

The rehearsal runs the very code that sends, up to the sending.
"""
import json
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_web_utils as web_utils
from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth, request_hash
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest

_PLACE_OF_SIGNATURE = "<signature>"


class RehearsalAuth(VestPerpetualAuth):
    """Puts everything into a request but its signature, and remembers what would have been signed."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self.signed: List[Tuple[Sequence[str], Sequence[Any]]] = []

    def _signature(self, types: Sequence[str], values: Sequence[Any]) -> str:
        self.signed.append((types, values))
        return _PLACE_OF_SIGNATURE


@dataclass(frozen=True)
class ReadyRequest:
    """A request as it would be sent now, and what of it would be signed."""

    path: str
    body: Dict[str, Any]
    signed: List[Tuple[Sequence[str], Sequence[Any]]]

    @property
    def record(self) -> Dict[str, Any]:
        """For `--json`."""
        signed = [
            {"types": list(types), "values": list(values), "hash": "0x" + request_hash(types, values).hex()}
            for types, values in self.signed
        ]
        return {"dry_run": True, "method": "POST", "path": self.path, "body": self.body, "signed": signed}

    @property
    def text(self) -> str:
        """For people."""
        parts = [f"This would be sent: POST {self.path}", output.json_text(self.body, indent=2)]
        for signed in self.record["signed"]:
            rows = [{"type": kind, "value": str(value)} for kind, value in zip(signed["types"], signed["values"])]
            parts += [
                "This of it is signed: personal_sign of the keccak256 of the ABI encoding of",
                output.table(rows, {"type": "type", "value": "value"}, ""),
                f"The keccak256: {signed['hash']}",
            ]
        return "\n\n".join([*parts, "Nothing was sent."])


class Rehearsed(Exception):
    """The request is ready; it ends the rehearsal where the sending would begin.

    :param request: what would be sent
    """

    def __init__(self, request: ReadyRequest):
        super().__init__(f"POST {request.path} is ready")
        self.request = request


async def ready_request(auth: RehearsalAuth, path_url: str, data: Dict[str, Any], domain: str) -> ReadyRequest:
    """A request as it would be sent now.

    :param auth: fresh, because it remembers
    :param path_url: one of the paths of the constants
    :param data: the body, without time and signature
    :param domain: one of the three domains
    """
    url = web_utils.private_rest_url(path_url, domain)
    request = RESTRequest(method=RESTMethod.POST, url=url, data=json.dumps(data), is_auth_required=True)
    await auth.rest_authenticate(request)
    return ReadyRequest(path_url, json.loads(request.data), auth.signed)
