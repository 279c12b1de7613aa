/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: the code of the functions that the tables of runtimes name, in a file whose headers are right, so that
 * finders of sites and layouts are what is reached. The input: flags (1 byte: the machine, no local symbols), then records:
 * which name (2 bytes, a hash), how long (1 byte: of code in 32 bytes; with its upper bit, of data in 4), its bytes. They
 * lie one after the other, 32-aligned.
 */
#include <elf.h>
#include <stddef.h>

#include "agent/runtime/registry.h"
#include "agent/target/image.h"
#include "tests/fuzz/fuzz.h"

#define FILE_BYTES 65536 /* the file as a whole is one segment, at 0 */
#define TEXT_AT	   4096
#define TEXT_END   32768
#define SYMTAB_AT  32768
#define STRTAB_AT  40960
#define DATA_AT	   57344 /* and is mapped once more, to be written to, at DATA_AT + DATA_MORE */
#define DATA_MORE  0x100000
#define NAMES_MAX  192
#define STUB_AT	   (TEXT_END - 64)
#define SLOT	   (DATA_AT + 8)
#define STRINGS	   sizeof("\0.rodata\0.shstrtab\0epoll_pwait")

/* Those that are in no table, as their finders are code. Data of 4 bytes, functions. */
static const char *const more_names[] = {
	"_ZN2v87Isolate10GetCurrentEv",
	"_ZN2v88internal23DefaultEmbeddedBlobCodeEv",
	"_ZN2v88internal27DefaultEmbeddedBlobCodeSizeEv",
	"Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit",
	"Builtins_InterpreterEntryTrampoline",
	"_ZN2v88internal4Heap10SetGCStateE",
	"_ZN2v87Isolate17GetHeapStatisticsEP",
	"_ZN2v87Isolate22GetHeapSpaceStatisticsEP",
	"_ZN2v88internal18g_current_isolate_E",
	"_ZN2v88internal7Isolate12isolate_key_E",
	"_ZN2v88internal7Version6major_E",
	"_ZN2v88internal7Version6minor_E",
	"_ZN2v88internal7Version6build_E",
	"_ZTVN4node6crypto7TestJobE",
	"_ZTVN4node10ZlibStreamE",
	"_ZN4node14ThreadPoolWork12ScheduleWorkEv",
	"uv__run_timers",
	"uv_library_shutdown",
	"v8dbg_TaggedSize",
	"v8dbg_SmiValueShift",
	"v8dbg_SmiShiftSize",
	"v8dbg_class_Script__name__Object",
};

static const char *names[NAMES_MAX];
static size_t n_names;
static uint8_t file[FILE_BYTES];

static void add_name(const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (!strcmp(names[i], name))
			return;
	CHECK(n_names < NAMES_MAX);
	names[n_names++] = name;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t r = 0; lt_runtimes[r]; r++) {
		const struct lt_runtime *runtime = lt_runtimes[r];

		for (const struct lt_rule *rule = runtime->rules; rule->symbol; rule++)
			add_name(rule->symbol);
		for (const struct lt_address_rule *rule = runtime->addresses; rule->symbol; rule++)
			add_name(rule->symbol);
		for (size_t i = 0; i < LT_DECODED_MAX; i++)
			if (runtime->decoded[i])
				add_name(runtime->decoded[i]);
	}
	for (size_t i = 0; i < sizeof(more_names) / sizeof(more_names[0]); i++)
		add_name(more_names[i]);
	return 0;
}

/* FNV-1a, folded: a seed stays what it is when names are added. */
static uint16_t hash_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (uint16_t)(hash ^ hash >> 16);
}

static const char *find_name(uint16_t hash)
{
	for (size_t i = 0; i < n_names; i++)
		if (hash_of(names[i]) == hash)
			return names[i];
	return names[hash % n_names];
}

static Elf64_Shdr section(uint32_t type, uint64_t flags, uint64_t at, uint64_t size)
{
	return (Elf64_Shdr){ .sh_type = type,
			     .sh_flags = flags,
			     .sh_addr = flags ? at : 0,
			     .sh_offset = at,
			     .sh_size = size };
}

/* Headers, the stub that jumps to epoll_pwait(), and how it is bound. */
static void begin_file(bool arm64)
{
	static const uint8_t stub_arm64[] = { 0x50, 0,	  0, 0xf0, 0x11, 6, 0x40, 0xf9,
					      0x10, 0x22, 0, 0x91, 0x20, 2, 0x1f, 0xd6 };
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = arm64 ? EM_AARCH64 : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(head),
		.e_shoff = 1024,
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 7,
		.e_shstrndx = 6,
	};
	Elf64_Phdr loads[3] = {
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_filesz = FILE_BYTES,
		  .p_memsz = FILE_BYTES },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_W,
		  .p_offset = DATA_AT,
		  .p_vaddr = DATA_AT + DATA_MORE,
		  .p_filesz = 4096,
		  .p_memsz = 8192 },
		{ .p_type = PT_TLS, .p_flags = PF_R, .p_memsz = 64, .p_align = 8 },
	};
	Elf64_Sym import = { .st_name = 19, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) };
	Elf64_Rela binding = { .r_offset = SLOT, .r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT) };
	uint32_t distance = SLOT - (STUB_AT + 6);

	memset(file, 0, sizeof(file));
	memcpy(file, &head, sizeof(head));
	memcpy(file + sizeof(head), loads, sizeof(loads));
	memcpy(file + 2048, "\0.rodata\0.shstrtab\0epoll_pwait", STRINGS);
	memcpy(file + 2560 + sizeof(import), &import, sizeof(import));
	memcpy(file + 3072, &binding, sizeof(binding));
	file[STUB_AT] = 0xff;
	file[STUB_AT + 1] = 0x25;
	memcpy(file + STUB_AT + 2, &distance, sizeof(distance));
	if (arm64)
		memcpy(file + STUB_AT, stub_arm64, sizeof(stub_arm64));
}

static void end_file(size_t n_symbols, size_t strings, bool stripped)
{
	Elf64_Shdr sections[7] = {
		[1] = section(SHT_SYMTAB, 0, SYMTAB_AT, n_symbols * sizeof(Elf64_Sym)),
		[2] = section(SHT_STRTAB, 0, STRTAB_AT, strings),
		[3] = section(SHT_DYNSYM, SHF_ALLOC, 2560, 2 * sizeof(Elf64_Sym)),
		[4] = section(SHT_RELA, SHF_ALLOC, 3072, sizeof(Elf64_Rela)),
		[5] = section(SHT_PROGBITS, SHF_ALLOC, DATA_AT, 4096),
		[6] = section(SHT_STRTAB, 0, 2048, STRINGS),
	};

	sections[1].sh_entsize = sections[3].sh_entsize = sizeof(Elf64_Sym);
	sections[1].sh_link = 2;
	sections[3].sh_link = 6;
	sections[4].sh_entsize = sizeof(Elf64_Rela);
	sections[5].sh_name = 1;
	if (stripped) { /* all that there is is exported */
		sections[3] = sections[1];
		sections[3].sh_type = SHT_DYNSYM;
		sections[1].sh_type = SHT_NULL;
	}
	memcpy(file + 1024, sections, sizeof(sections));
}

/* How many symbols, with the one that means none and the imported one; *ret_strings: bytes of their names. */
static size_t add_functions(struct input *input, bool stripped, size_t *ret_strings)
{
	static const char import[] = "\0epoll_pwait";
	size_t at = TEXT_AT, strings = sizeof(import), n = 2;
	Elf64_Sym imported = { .st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) };

	/* in the place where it is among the dynamic symbols, for a file that has no others */
	memcpy(file + STRTAB_AT, import, sizeof(import));
	memcpy(file + SYMTAB_AT + sizeof(imported), &imported, sizeof(imported));
	while (input->left >= 3) {
		uint16_t hash = (uint16_t)(input->at[0] | input->at[1] << 8);
		bool is_data = input->at[2] & 0x80;
		size_t size = (size_t)(input->at[2] & 0x7f) * (is_data ? 4 : 32);
		const char *name = find_name(hash);
		Elf64_Sym symbol = {
			.st_name = (uint32_t)strings,
			.st_info = ELF64_ST_INFO(stripped ? STB_GLOBAL : STB_LOCAL,
						 is_data ? STT_OBJECT : STT_FUNC),
			.st_shndx = 5,
			.st_value = at,
		};

		input->at += 3;
		input->left -= 3;
		size = size < input->left ? size : input->left;
		if (at + size > STUB_AT || strings + strlen(name) + 1 > DATA_AT - STRTAB_AT ||
		    (n + 1) * sizeof(symbol) > STRTAB_AT - SYMTAB_AT)
			break;
		symbol.st_size = size;
		memcpy(file + at, input->at, size);
		memcpy(file + SYMTAB_AT + n++ * sizeof(symbol), &symbol, sizeof(symbol));
		memcpy(file + STRTAB_AT + strings, name, strlen(name) + 1);
		strings += strlen(name) + 1;
		input->at += size;
		input->left -= size;
		at = (at + size + 31) & ~(size_t)31;
	}
	*ret_strings = strings;
	return n;
}

static void check_image(const struct lt_image *image)
{
	CHECK(image->n_sites <= LT_IMAGE_SITES_MAX && image->n_classes <= LT_IMAGE_CLASSES_MAX);
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];

		CHECK(site->role > LT_ROLE_NONE && site->role < LT_ROLE_MAX);
		/* in a function, and its bytes are those of the file */
		CHECK(site->vaddr >= TEXT_AT && site->vaddr < STUB_AT);
		CHECK(site->file_offset == site->vaddr && file[site->vaddr] == site->bytes[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t flags = input_byte(&input);
	struct lt_image *image;
	size_t n, strings;

	begin_file(flags & 1);
	n = add_functions(&input, flags & 2, &strings);
	memcpy(file + DATA_AT + 16, input.at, input.left < 4000 ? input.left : 4000);
	end_file(n, strings, flags & 2);
	if (!lt_image__analyse_any(as_file(file, sizeof(file)), &image)) {
		check_image(image);
		free(image);
	}
	return 0;
}
