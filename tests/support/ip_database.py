"""Write a tiny database of IP addresses in MaxMind's format, for tests that look one up."""

import ipaddress
from pathlib import Path
from typing import Any

MARK = b"\xab\xcd\xefMaxMind.com"


def packed(value: Any) -> bytes:
    """Return a value as the format has it: maps, lists, texts and whole numbers."""
    if isinstance(value, dict):
        parts = b"".join(packed(key) + packed(item) for key, item in value.items())
        return bytes([7 << 5 | len(value)]) + parts
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(packed, value))
    if isinstance(value, str):
        text = value.encode()
        return (
            bytes([2 << 5 | len(text)]) if len(text) < 29 else bytes([2 << 5 | 29, len(text) - 29])
        ) + text
    kind, size, number = value
    head = bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
    return head + int(number).to_bytes(size, "big")


def short(number: int) -> tuple[int, int, int]:
    return 5, 2, number


def whole(number: int) -> tuple[int, int, int]:
    return 6, 4, number


def long(number: int) -> tuple[int, int, int]:
    return 9, 8, number


def write(file: Path, known: dict[str, dict[str, Any]]) -> Path:
    """Write a database of IPv4 addresses, each with what is known of it."""
    nodes: list[list[int | None]] = [[None, None]]
    data, at = b"", {}
    for ip, said in known.items():
        at[ip] = len(data)
        data += packed(said)
    ends: list[tuple[int, int, str]] = []
    for ip in known:
        bits, node = f"{int(ipaddress.IPv4Address(ip)):032b}", 0
        for bit in map(int, bits[:-1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit] or 0
        ends.append((node, int(bits[-1]), ip))
    count = len(nodes)
    for node, bit, ip in ends:
        nodes[node][bit] = count + 16 + at[ip]
    tree = b"".join((count if one is None else one).to_bytes(3, "big") for node in nodes for one in node)
    about = {
        "binary_format_major_version": short(2),
        "binary_format_minor_version": short(0),
        "build_epoch": long(1),
        "database_type": "Test",
        "description": {"en": "Test"},
        "ip_version": short(4),
        "languages": ["en"],
        "node_count": whole(count),
        "record_size": short(24),
    }
    file.write_bytes(tree + b"\0" * 16 + data + MARK + packed(about))
    return file
