"""Open Sound Control over UDP: phones, TouchDesigner, Max, Muse bridges in; lights and sound programs out.

Source: Wright 2002, Open Sound Control 1.0 specification.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Sequence

from reverie.errors import InputError, OutputError
from reverie.media.signals.board import Board, Loop

MOST_BYTES = 65_536  # of a datagram
MOST_ARGUMENTS = 64
WAIT_S = 0.2


def listen_osc(board: Board, port: int, host: str = "0.0.0.0") -> OscInput:
    """Put all numbers that arrive on a board: "osc /address" the first of a message, "osc /address 2" the second.

    Raises:
        InputError: python-osc is missing, or the port is taken.
    """
    try:
        from pythonosc.osc_packet import OscPacket, ParseError
    except ImportError as error:
        raise InputError("OSC needs 'python-osc': pip install 'reverie[live]'") from error
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        link.bind((host, port))
    except (OSError, OverflowError) as error:
        link.close()
        raise InputError(f"OSC cannot listen on port {port}: {error}") from error
    link.settimeout(WAIT_S)

    def once() -> bool:
        try:
            blob = link.recv(MOST_BYTES)
        except TimeoutError:
            return True
        try:
            messages = OscPacket(blob).messages
        except (ParseError, ValueError, IndexError, TypeError):  # what somebody sends is no reason to end
            board.left_out += 1
            return True
        for timed in messages:
            _put(board, timed.message.address, list(timed.message.params))
        return True

    return OscInput(f"OSC on port {link.getsockname()[1]}", once, link)


class OscInput(Loop):
    """A thread that reads datagrams."""

    def __init__(self, about: str, once: Callable[[], bool], link: socket.socket) -> None:
        self.port: int = link.getsockname()[1]
        super().__init__(about, once, link.close)


def _put(board: Board, address: str, values: list) -> None:
    for number, value in enumerate(values[:MOST_ARGUMENTS], 1):
        if isinstance(value, (bool, int, float)):
            board.put(f"osc {address}" if number == 1 else f"osc {address} {number}", float(value))
    if not values:
        board.put(f"osc {address}", 1.0)


def send_osc(host: str, port: int, address: str, values: Sequence[float | str]) -> None:
    """Send one message.

    Raises:
        InputError: python-osc is missing, or the address is none.
        OutputError: it cannot be sent.
    """
    try:
        from pythonosc.osc_message_builder import OscMessageBuilder
    except ImportError as error:
        raise InputError("OSC needs 'python-osc': pip install 'reverie[live]'") from error
    if not address.startswith("/") or any(isinstance(v, float) and not math.isfinite(v) for v in values):
        raise InputError(f"an OSC message has an address such as /cue and finite numbers; got '{address}'")
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        try:
            link.sendto(builder.build().dgram, (host, port))
        except (OSError, OverflowError) as error:
            raise OutputError(f"OSC cannot be sent to {host}, port {port}: {error}") from error
