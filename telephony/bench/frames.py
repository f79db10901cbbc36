"""WebSocket without its manners: prepared frames out, whole messages in, and as little work as possible in between.

A load generator shares the machine with what it measures, so it must cost a fraction of it; a proper library on this
side would cost as much as the relay. This one knows one peer, which it trusts: no fragments, no extensions, no checks.
Frames to a server must be masked (RFC 6455, 5.3), and a mask of zeros leaves them as they were prepared.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What makes a key an accepted one (RFC 6455, 1.3)."""
KEY = base64.b64encode(b"telephony-bench!").decode()

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
NO_MASK = b"\0\0\0\0"
NORMAL = (1000).to_bytes(2, "big")

OnText = Callable[[bytes], None]
"""Takes a message as it stands in the frame: bytes of UTF-8."""
Skip = Callable[[int], bool]
"""Takes the length of a masked message and says whether it was seen enough of: then it is not unmasked."""


def frame(payload: bytes, *, masked: bool, opcode: int = TEXT) -> bytes:
    """A whole frame."""
    bit, mask = (0x80, NO_MASK) if masked else (0, b"")
    size = len(payload)
    if size < 126:
        length = bytes((bit | size,))
    elif size < 65536:
        length = bytes((bit | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((bit | 127,)) + size.to_bytes(8, "big")
    return bytes((0x80 | opcode,)) + length + mask + payload


def unmasked(mask: bytes, payload: bytes) -> bytes:
    """*payload* as it was before *mask* was laid over it."""
    size = len(payload)
    layer = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(layer, "big")).to_bytes(size, "big")


class Peer(asyncio.Protocol):
    """One end of one connection. `opened` is set once both sides have shaken hands, `gone` once it is closed."""

    masks = False
    """Whether this end is a client."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.gone = asyncio.Event()
        self.on_text: OnText = _ignore
        self.skip: Skip = _skip_none
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    # -- out -----------------------------------------------------------------------------------------------------------

    def send(self, message: bytes, opcode: int = TEXT) -> None:
        """Send a message; on a closed connection it is lost."""
        if self._transport is not None:
            self._transport.write(frame(message, masked=self.masks, opcode=opcode))

    def close(self) -> None:
        """Say goodbye and end our side."""
        if self._transport is not None and not self.closing:
            self.send(NORMAL, CLOSE)
            self._transport.close()

    @property
    def closing(self) -> bool:
        """Whether nothing more is read or written."""
        return self._transport is None or self._transport.is_closing()

    # -- in ------------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._begin(transport)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self.opened.is_set():
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._shake(head)
        self._rest = b"" if self.closing else self._frames(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.gone.set()

    def _frames(self, data: bytes) -> bytes:
        """Take every whole frame of *data*; returns the beginning of the next."""
        at, size = 0, len(data)
        while at + 2 <= size:
            length, body = data[at + 1] & 0x7F, at + 2
            if length == 126:
                length, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            mask = data[body : body + 4] if data[at + 1] & 0x80 else b""
            body += len(mask)
            end = body + length
            if end > size:
                break
            self._take(data[at] & 0x0F, mask, data[body:end])
            at = end
        return data[at:] if at else data

    def _take(self, opcode: int, mask: bytes, payload: bytes) -> None:
        if opcode == TEXT and mask and self.skip(len(payload)):
            return
        if mask:
            payload = unmasked(mask, payload)
        if opcode == TEXT:
            self.on_text(payload)
        elif opcode == PING:
            self.send(payload, PONG)
        elif opcode == CLOSE:
            self.close()

    # -- the handshake -------------------------------------------------------------------------------------------------

    def _begin(self, transport: asyncio.Transport) -> None:
        """The connection is there; nobody has said anything."""

    def _shake(self, head: bytes) -> None:
        """The peer's half of the handshake, without the empty line."""
        raise NotImplementedError


class Client(Peer):
    """The end that opens a WebSocket at *path*."""

    masks = True

    def __init__(self, host: str, path: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.refusal = ""
        """The server's first line, if it was a no."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._request = "\r\n".join([*lines, "", ""]).encode()

    def _begin(self, transport: asyncio.Transport) -> None:
        transport.write(self._request)

    def _shake(self, head: bytes) -> None:
        status = head.split(b"\r\n", 1)[0].decode("latin-1")
        if " 101 " not in status:
            self.refusal = status
            self.close()
        self.opened.set()


class Server(Peer):
    """The end at which a WebSocket is opened. Whoever comes is let in."""

    def _shake(self, head: bytes) -> None:
        headers = dict(line.split(b":", 1) for line in head.split(b"\r\n")[1:])
        key = next(value.strip() for name, value in headers.items() if name.lower() == b"sec-websocket-key")
        accepted = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        if self._transport is not None:
            head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            self._transport.write(head + b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n")
        self.opened.set()


def _ignore(message: bytes) -> None:
    """What hears nothing."""


def _skip_none(length: int) -> bool:
    return False
