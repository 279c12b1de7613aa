/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/verify.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/decode.h"
#include "agent/target/machine.h"

#define SEGMENTS_MAX 64
#define CODE_MAX     (128 * 1024) /* from a function's begin to its last site */
#define DECODED_MAX  (128 * 1024) /* of all functions of a group; Node's take 5 KB */

struct verifying {
	const struct lt_machine *machine;
	int fd;
	const struct lt_image *image;
	enum lt_group group;
	Elf64_Phdr segments[SEGMENTS_MAX];
	size_t n_segments;
	bool done[LT_IMAGE_SITES_MAX];
	uint64_t left; /* bytes that may still be decoded */
};

/* The file's program headers as they are now. libelf would read its sections too, of which nothing is wanted. */
static int read_segments(struct verifying *v)
{
	Elf64_Ehdr eh;
	ssize_t size;

	if (pread(v->fd, &eh, sizeof(eh), 0) != sizeof(eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64)
		return -ESTALE;
	v->n_segments = eh.e_phnum < SEGMENTS_MAX ? eh.e_phnum : SEGMENTS_MAX;
	size = (ssize_t)(v->n_segments * sizeof(v->segments[0]));
	return pread(v->fd, v->segments, (size_t)size, (off_t)eh.e_phoff) == size ? 0 : -ESTALE;
}

/* Is all of the code from the function's begin to the end of this site one piece that the file has executable? */
static bool is_executable(const struct verifying *v, const struct lt_site *site)
{
	uint64_t vaddr = site->function, size = site->vaddr + site->length - site->function;

	for (size_t i = 0; i < v->n_segments; i++) {
		const Elf64_Phdr *ph = &v->segments[i];
		uint64_t at = vaddr - ph->p_vaddr;

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) || vaddr < ph->p_vaddr ||
		    at > ph->p_filesz || size > ph->p_filesz - at)
			continue;
		return site->file_offset - (site->vaddr - vaddr) == at + ph->p_offset;
	}
	return false;
}

static const struct lt_insn *at_vaddr(const struct lt_function *code, uint64_t vaddr)
{
	size_t low = 0, high = code->n_insns;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code->insns[middle].vaddr == vaddr)
			return &code->insns[middle];
		if (code->insns[middle].vaddr < vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* bytes: those that the file has there. */
static bool is_same(const struct lt_site *site, const struct lt_insn *in, const uint8_t *bytes)
{
	return in && in->probeable && in->length == site->length &&
	       in->emulated == (site->cost == LT_SITE_EMULATED) &&
	       !memcmp(bytes, site->bytes, site->length);
}

static bool is_bounded(const struct lt_site *site)
{
	return site->length && site->length <= sizeof(site->bytes) &&
	       site->function <= site->vaddr &&
	       site->vaddr - site->function <= CODE_MAX - sizeof(site->bytes) &&
	       site->file_offset >= site->vaddr - site->function;
}

/* All sites of one function; size: up to the end of the last. */
static int verify_function(struct verifying *v, const struct lt_site *first, uint64_t size,
			   const struct lt_site **ret_site)
{
	uint64_t begin = first->file_offset - (first->vaddr - first->function);
	struct lt_function code = { 0 };
	uint8_t *bytes = malloc(size);
	int err = bytes ? 0 : -ENOMEM;

	if (size > v->left)
		err = -EFBIG;
	v->left -= size < v->left ? size : v->left;
	if (!err && pread(v->fd, bytes, size, (off_t)begin) != (ssize_t)size)
		err = -ESTALE;
	if (!err)
		err = lt_function__decode_code(v->machine, bytes, first->function, size, &code);
	if (err == -EILSEQ)
		err = -ESTALE;
	for (size_t i = 0; !err && i < v->image->n_sites; i++) {
		const struct lt_site *site = &v->image->sites[i];

		if (site->group != v->group || site->function != first->function)
			continue;
		v->done[i] = true;
		if (is_same(site, at_vaddr(&code, site->vaddr),
			    bytes + (site->vaddr - site->function)))
			continue;
		*ret_site = site;
		err = -ESTALE;
	}
	lt_function__free(&code);
	free(bytes);
	return err;
}

/* How far its function must be decoded for all of its sites. 0: one of them, told, is where no code is. */
static uint64_t size_to_decode(const struct verifying *v, const struct lt_site *first,
			       const struct lt_site **ret_site)
{
	uint64_t size = 0;

	for (size_t i = 0; i < v->image->n_sites; i++) {
		const struct lt_site *site = &v->image->sites[i];
		uint64_t end = site->vaddr + site->length - site->function;

		if (site->group != v->group || site->function != first->function)
			continue;
		if (!is_bounded(site) || !is_executable(v, site)) {
			*ret_site = site;
			return 0;
		}
		size = end > size ? end : size;
	}
	return size;
}

int lt_verify_sites_of(const struct lt_machine *machine, int fd, const struct lt_image *image,
		       enum lt_group group, const struct lt_site **ret_site)
{
	struct verifying *v = calloc(1, sizeof(*v));
	bool have_segments = false;
	int err = v ? 0 : -ENOMEM;

	if (!err) {
		v->machine = machine;
		v->fd = fd;
		v->image = image;
		v->group = group;
		v->left = DECODED_MAX;
	}
	for (size_t i = 0; !err && i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];
		uint64_t size;

		if (site->group != group || v->done[i])
			continue;
		*ret_site = site;
		if (!have_segments)
			err = read_segments(v);
		have_segments = true;
		size = err ? 0 : size_to_decode(v, site, ret_site);
		if (!err)
			err = size ? verify_function(v, site, size, ret_site) : -ESTALE;
	}
	free(v);
	return err;
}

int lt_verify_sites(int fd, const struct lt_image *image, enum lt_group group,
		    const struct lt_site **ret_site)
{
#ifdef __aarch64__
	return lt_verify_sites_of(&lt_machine_arm64, fd, image, group, ret_site);
#else
	return lt_verify_sites_of(&lt_machine_x86, fd, image, group, ret_site);
#endif
}
