/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What several fuzzers do: take an input apart, open it as a file, look at what came out. */
#ifndef LOOPTOP_TESTS_FUZZ_H
#define LOOPTOP_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* assert() names the line and is there whatever NDEBUG says. */
#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/* What is left of an input. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t input_byte(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

/* Its next n bytes, in a copy behind which nothing can be read; to be freed. n is cut to what is left. */
static inline uint8_t *input_copy(struct input *input, size_t *n)
{
	uint8_t *copy;

	*n = *n < input->left ? *n : input->left;
	copy = malloc(*n ? *n : 1);
	CHECK(copy);
	memcpy(copy, input->at, *n);
	input->at += *n;
	input->left -= *n;
	return copy;
}

/* The rest as a text of exactly its length; to be freed. */
static inline char *input_text(const struct input *input)
{
	char *text = malloc(input->left + 1);

	CHECK(text);
	memcpy(text, input->at, input->left);
	text[input->left] = '\0';
	return text;
}

/* The same file each time, with these bytes in it. Never to be closed. */
static inline int as_file(const void *bytes, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	CHECK(pwrite(fd, bytes, size, 0) == (ssize_t)size);
	return fd;
}

/* A text that goes to a terminal or into a line: it ends within its room and has no controls. */
static inline void check_printable(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	CHECK(n < size);
	for (size_t i = 0; i < n; i++)
		CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

#endif
