# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Small programs and files whose contents claim, or are, far more than anybody wants to read."""

import struct

# pause() for ever
CODE = bytes.fromhex("b822000000" "0f05" "ebf7")
BASE = 0x400000
CODE_AT = 64 + 56
SYMTAB, STRTAB, PROGBITS, DYNSYM = 2, 3, 1, 11


def _program(sections_at, n_sections, names_index):
    """A static program that sleeps: its header and its only segment."""
    length = CODE_AT + len(CODE)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, BASE + CODE_AT, 64, sections_at, 0, 64, 56, 1, 64,
                          n_sections, names_index)
    header += struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, length, length, 4096)
    return header + CODE


def _section(name=0, kind=0, address=0, offset=0, size=0, link=0, entry=0):
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, address, offset, size, link, 0, 1, entry)


def _write(path, start, sections, size, parts=()):
    """A sparse file: the program, its sections behind 4096, and parts at their offsets."""
    with open(path, "wb") as file:
        file.write(start)
        file.seek(4096)
        file.write(b"".join(sections))
        for offset, data in parts:
            file.seek(offset)
            file.write(data)
        file.truncate(size)
    path.chmod(0o755)
    return path


def many_sections(path, count=6_000_000):
    """8 KB of file, and as many sections as its first one says."""
    return _write(path, _program(4096, 0, 0), [_section(size=count)], 4096 + 64 * count)


def large_table(path, size=2_000_000_000):
    """A table of symbols that is all hole."""
    sections = [_section(), _section(1, SYMTAB, 0, 8192, size, 2, 24), _section(1, STRTAB, 0, 8192, size)]
    return _write(path, _program(4096, 3, 2), sections, 8192 + size)


def many_symbols(path, count=1_900_000):
    """As many symbols as a table may have, each with a name that is looked through to its end."""
    symbol = struct.pack("<IBBHQQ", 1, 2, 0, 1, BASE + CODE_AT, 1)
    names = b"\0" + b"x" * 4000 + b"\0"
    names_at = 8192
    symbols_at = 16384
    sections = [_section(), _section(1, SYMTAB, 0, symbols_at, count * 24, 2, 24),
                _section(1, STRTAB, 0, names_at, len(names))]
    return _write(path, _program(4096, 3, 2), sections, symbols_at + count * 24,
                  [(names_at, names), (symbols_at, symbol * count)])


def many_frames(path, count=1_200_000):
    """A stripped program with the mark of libuv, and more functions in .eh_frame than there may be."""
    # a common record: version 1, no augmentation, alignments, return register
    common = struct.pack("<II", 12, 0) + b"\x01\0\x01\x78\x10" + bytes(3)
    frames = bytearray(common)
    record = bytearray(struct.pack("<IIQQ", 20, 0, BASE + CODE_AT, 1))
    for i in range(count):
        struct.pack_into("<I", record, 4, len(common) + i * len(record) + 4)
        frames += record
    names = b"\0.eh_frame\0uv_run\0"
    symbols = bytes(24) + struct.pack("<IBBHQQ", names.index(b"uv_run"), 0x12, 0, 1, BASE + CODE_AT, 9)
    # the frames must be in a segment of the file
    frames_at, frames_address = 16384, 0x10000000
    start = bytearray(_program(4096, 4, 3))
    second = struct.pack("<IIQQQQQQ", 1, 4, frames_at, frames_address, frames_address, len(frames), len(frames), 4096)
    # both segments behind the code
    first = bytes(start[64:120])
    struct.pack_into("<Q", start, 32, 1024)
    struct.pack_into("<H", start, 56, 2)
    sections = [_section(), _section(1, PROGBITS, frames_address, frames_at, len(frames)),
                _section(1, DYNSYM, 0, 8192, len(symbols), 3, 24), _section(1, STRTAB, 0, 12288, len(names))]
    return _write(path, bytes(start), sections, frames_at + len(frames),
                  [(1024, first + second), (8192, symbols), (12288, names), (frames_at, bytes(frames))])


def source_map(folder, count=8_000_000):
    """A script that blocks for 150 ms four times a second, and its source map of so many segments."""
    script = folder / "big.js"
    script.write_text("function block(){const e=Date.now()+150;while(Date.now()<e);}\n"
                      "setInterval(block,250);\n//# sourceMappingURL=big.js.map\n")
    with open(folder / "big.js.map", "w") as file:
        file.write('{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA;')
        file.write("CAAC," * count)
        file.write('CAAC"}')
    return script
