# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Damaged copies of a program that still run: the kernel and the loader look at segments only,
whoever looks for symbols reads sections."""

import shutil
import struct

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
FIELDS = ("name", "type", "flags", "addr", "offset", "size", "link", "info", "align", "entsize")
SYMTAB, STRTAB, NOTE, DYNSYM, LOAD = 2, 3, 7, 11, 1


class Elf:
    """A program's file, opened for damage."""

    def __init__(self, path, mode="r+b"):
        self.file = open(path, mode, buffering=0)
        self.header = list(HEADER.unpack(self.file.read(HEADER.size)))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()

    def write_header(self, **fields):
        index = {"shoff": 6, "shentsize": 11, "shnum": 12, "shstrndx": 13}
        for name, value in fields.items():
            self.header[index[name]] = value
        self.file.seek(0)
        self.file.write(HEADER.pack(*self.header))

    def sections(self):
        for i in range(self.header[12]):
            at = self.header[6] + i * SECTION.size
            self.file.seek(at)
            yield at, dict(zip(FIELDS, SECTION.unpack(self.file.read(SECTION.size))))

    def change(self, section_type, **fields):
        for at, section in self.sections():
            if section["type"] == section_type:
                section.update(fields)
                self.file.seek(at)
                self.file.write(SECTION.pack(*(section[name] for name in FIELDS)))

    def fill(self, section_type, pattern):
        for _, section in self.sections():
            if section["type"] == section_type and not section["addr"]:
                self.file.seek(section["offset"])
                size = section["size"]
                self.file.write((pattern * (size // len(pattern) + 1))[:size])

    def symbols(self, names):
        """Where the symbols of these names are in .symtab: {name: (its place in the file, value, size)}."""
        sections = [section for _, section in self.sections()]
        table = next(section for section in sections if section["type"] == SYMTAB)
        entries = self.read(table["offset"], table["size"])
        texts = self.read(sections[table["link"]]["offset"], sections[table["link"]]["size"])
        wanted = {name.encode(): name for name in names}
        found = {}
        for at in range(0, len(entries), SYMBOL.size):
            name, _, _, _, value, size = SYMBOL.unpack_from(entries, at)
            text = texts[name : texts.index(b"\0", name)]
            if text in wanted:
                found[wanted[text]] = (table["offset"] + at, value, size)
        assert len(found) == len(wanted), f"only {list(found)} of {names}"
        return found

    def move_symbol(self, name, value):
        """A function of one byte is said to begin at another address."""
        at, _, _ = self.symbols([name])[name]
        self.write(at + 8, struct.pack("<QQ", value, 1))

    def read(self, at, size):
        self.file.seek(at)
        return self.file.read(size)

    def write(self, at, data):
        self.file.seek(at)
        self.file.write(data)

    def offset(self, address):
        """Where in the file an address is."""
        for kind, _, offset, vaddr, _, size, _, _ in self.segments():
            if kind == LOAD and vaddr <= address < vaddr + size:
                return address - vaddr + offset
        raise AssertionError(f"{address:#x} is not in the file")

    def segments(self):
        for i in range(self.header[10]):
            yield SEGMENT.unpack(self.read(self.header[5] + i * SEGMENT.size, SEGMENT.size))

    def loaded_end(self):
        """The end of what the kernel maps."""
        end = 0
        for kind, _, offset, _, _, size, _, _ in self.segments():
            if kind == LOAD:
                end = max(end, offset + size)
        return end


def truncate(elf):
    elf.file.truncate(elf.loaded_end())


def symbols_beyond_everything(elf):
    """Every symbol of .symtab at the same huge address, with the same name far outside."""
    elf.fill(SYMTAB, struct.pack("<IBBHQQ", 0xFFFFFFF0, 0x12, 0, 1, 0x7FFFFFFFFFFFFFF0, 1 << 63))


DAMAGES = {
    "no-section-headers": lambda elf: elf.write_header(shoff=0, shnum=0, shstrndx=0),
    "section-headers-beyond-the-end": lambda elf: elf.write_header(shoff=(1 << 62) + 8),
    "section-headers-at-odd-address": lambda elf: elf.write_header(shoff=elf.header[6] + 3),
    "too-many-sections": lambda elf: elf.write_header(shnum=0xFEFF),
    "names-section-out-of-range": lambda elf: elf.write_header(shstrndx=0xFEFF),
    "tiny-section-headers": lambda elf: elf.write_header(shentsize=1),
    "truncated": truncate,
    "huge-symbol-table": lambda elf: elf.change(SYMTAB, size=1 << 60),
    "symbol-table-beyond-the-end": lambda elf: elf.change(SYMTAB, offset=1 << 61),
    "symbols-of-no-size": lambda elf: elf.change(SYMTAB, entsize=0),
    "symbol-names-nowhere": lambda elf: elf.change(SYMTAB, link=0xFFFFFFFF),
    "symbol-names-are-symbols": lambda elf: elf.change(SYMTAB, link=1),
    "string-table-without-end": lambda elf: elf.fill(STRTAB, b"uv__io_poll"),
    "symbols-beyond-everything": symbols_beyond_everything,
    "symbols-are-noise": lambda elf: elf.fill(SYMTAB, bytes(range(1, 256)) * 97),
    "notes-beyond-the-end": lambda elf: elf.change(NOTE, offset=1 << 61, size=1 << 60),
}


def damaged_copy(source, target, damage):
    shutil.copy(source, target)
    with Elf(target) as elf:
        DAMAGES[damage](elf)
    return target
