"""A mail server that misbehaves after it was given a mail."""

import socket
import threading
import time
from contextlib import suppress
from typing import Any


class RudeServer:
    """Accepts commands, then answers a mail and the commands after it with the given lines; None hangs up.

    `after_letter` may be replaced between mails; `letters` has every mail that it was given, accepted or not.
    """

    def __init__(self, after_letter: list[str | None], pause: float = 0) -> None:
        self.after_letter, self.pause = after_letter, pause
        self.recipient = "250 fine"
        self.letters: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "RudeServer":
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rwb") as stream:
            say(stream, "220 here")
            while (command := stream.readline().strip().upper()) != b"DATA":
                if not command:
                    return
                say(stream, self.recipient if command.startswith(b"RCPT") else "250 fine")
            say(stream, "354 go on")
            letter = b""
            while (line := stream.readline()) not in (b".\r\n", b""):
                letter += line
            self.letters.append(letter)
            time.sleep(self.pause)
            for answer in list(self.after_letter):
                if answer is None:
                    return
                say(stream, answer)
                stream.readline()


def say(stream: Any, line: str) -> None:
    stream.write(line.encode() + b"\r\n")
    stream.flush()
