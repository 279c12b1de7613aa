/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reading a heap's sizes. Finding it is in heap_find.c, what is available in it in heap_available.c. */
#include "agent/v8/heap_usage.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/util/word.h"
#include "agent/v8/heap_internal.h"

#define TRIES	      8 /* a storm of collections tears up to 3 of 4 readings in a row */
#define LIMIT_MIN     (1ull << 20)
#define LIMIT_MAX     (1ull << 40)
#define OVER_LIMIT    (1ull << 28) /* a heap passes its limit for a while, to collect */
#define EXTERNAL_MAX  (1ull << 44)
#define LAB_BYTES_MAX (4ull << 20)

int lt_heap_image__read(const struct lt_heap_source *source, uint64_t isolate,
			struct lt_heap_image *ret_image)
{
	const struct lt_heap_layout *layout = source->layout;

	if (layout->version < 1 || layout->version > lt_heap_n_known || layout->heap < 0)
		return -ENOENT;
	ret_image->source = source;
	ret_image->known = &lt_heap_known[layout->version - 1];
	ret_image->heap = isolate + (uint64_t)layout->heap;
	return source->memory.read(source->memory.ctx, ret_image->heap, ret_image->block,
				   sizeof(ret_image->block));
}

int lt_heap_image__memory(const struct lt_heap_image *image, uint64_t address, void *buf,
			  size_t length)
{
	if (address < 4096 || address >= 1ull << 47)
		return -EFAULT;
	return image->source->memory.read(image->source->memory.ctx, address, buf, length);
}

uint64_t lt_heap_image__space(const struct lt_heap_image *image, int32_t index)
{
	return lt_word(image->block, (size_t)(image->known->spaces + 8 * index));
}

static int read_word(const struct lt_heap_image *image, uint64_t address, uint64_t *ret_word)
{
	return lt_heap_image__memory(image, address, ret_word, sizeof(*ret_word));
}

int lt_heap_image__follow(const struct lt_heap_image *image, const unsigned char *object,
			  struct lt_heap_word word, uint64_t *ret_value)
{
	uint64_t value = lt_word(object, (size_t)word.at);

	if (word.inner == LT_HEAP_NONE) {
		*ret_value = value;
		return 0;
	}
	return read_word(image, value + (uint64_t)word.inner, ret_value);
}

static bool is_nothing(struct lt_heap_word word)
{
	return !word.at;
}

/* What tells how full the new space is. */
struct young {
	uint64_t bytes; /* of the pages in use so far, the begun one included */
	uint64_t top, more; /* the begun page is in use up to their sum */
	uint64_t page;
};

static int read_young(const struct lt_heap_image *image, const unsigned char *space,
		      struct young *ret_young)
{
	const struct lt_heap_known *known = image->known;
	struct young young = {
		.bytes = lt_word(space, (size_t)known->young_space.pages_bytes),
		.page = lt_word(space, (size_t)known->young_space.page),
	};

	if (lt_heap_image__follow(image, space, known->young_space.top, &young.top) ||
	    (!is_nothing(known->young_space.top_more) &&
	     lt_heap_image__follow(image, space, known->young_space.top_more, &young.more)))
		return -EAGAIN;
	*ret_young = young;
	return 0;
}

/* The thread may have been stopped between taking a page and beginning it: then it stands there in a second
 * reading too, and a torn reading does not. */
static bool is_between_pages(const struct lt_heap_image *image, uint64_t address,
			     const struct young *young)
{
	unsigned char space[LT_HEAP_SPACE_BYTES];
	struct young again;

	return !lt_heap_image__memory(image, address, space, sizeof(space)) &&
	       !read_young(image, space, &again) && !memcmp(&again, young, sizeof(again));
}

/* The new space: its full pages, and the begun one up to the top. */
static int young_used(const struct lt_heap_image *image, uint64_t address,
		      const unsigned char *space, uint64_t *ret_used)
{
	const struct lt_heap_known *known = image->known;
	uint64_t full, start, top;
	struct young young;

	if (read_young(image, space, &young))
		return -EAGAIN;
	if (!young.top && known->young_space.top_may_be_0) {
		*ret_used = young.more;
		return 0;
	}
	if (young.bytes < LT_HEAP_PAGE_BYTES || young.bytes % LT_HEAP_PAGE_BYTES ||
	    young.bytes > LIMIT_MAX ||
	    read_word(image, young.page + (uint64_t)known->young_space.area_start, &start))
		return -EAGAIN;
	full = (young.bytes / LT_HEAP_PAGE_BYTES - 1) * (uint64_t)known->young_space.area;
	/* A page is used from there to its end, so this is what the table says a page holds. */
	if (start % LT_HEAP_PAGE_BYTES + (uint64_t)known->young_space.area != LT_HEAP_PAGE_BYTES)
		return -EAGAIN;
	top = young.top + young.more;
	if (top < start || top - start > LT_HEAP_PAGE_BYTES) {
		*ret_used = full;
		return is_between_pages(image, address, &young) ? 0 : -EAGAIN;
	}
	*ret_used = full + top - start;
	return 0;
}

bool lt_heap_is_large(enum lt_space space)
{
	return space == LT_SPACE_NEW_LARGE || space == LT_SPACE_LARGE ||
	       space == LT_SPACE_CODE_LARGE || space == LT_SPACE_TRUSTED_LARGE;
}

size_t lt_heap_space_used(const struct lt_heap_known *known, enum lt_space space)
{
	return (size_t)(lt_heap_is_large(space) ? known->large_used : known->paged_used);
}

/* How many bytes of a space have all that is read of it. */
static size_t space_size(const struct lt_heap_known *known, enum lt_space kind)
{
	if (kind == LT_SPACE_NEW)
		return LT_HEAP_SPACE_BYTES;
	if (kind == LT_SPACE_NEW_LARGE)
		return (size_t)known->new_large_capacity + 8;
	return lt_heap_space_used(known, kind) + 8;
}

static int read_space(const struct lt_heap_image *image, int32_t index, struct lt_heap *heap)
{
	const struct lt_heap_known *known = image->known;
	enum lt_space kind = (enum lt_space)known->order[index];
	uint64_t address = lt_heap_image__space(image, index), total, used;
	unsigned char space[LT_HEAP_SPACE_BYTES];

	if (lt_heap_image__memory(image, address, space, space_size(known, kind)) ||
	    lt_word(space, LT_SPACE_HEAP) != image->heap ||
	    lt_half(space, LT_SPACE_ID) != (uint32_t)index)
		return -EAGAIN;
	if (kind == LT_SPACE_NEW) {
		total = lt_word(space, (size_t)known->young_space.total) +
			lt_word(space, (size_t)known->young_space.total_more);
		if (young_used(image, address, space, &used) || used > total + LT_HEAP_PAGE_BYTES)
			return -EAGAIN;
	} else {
		total = lt_word(space, LT_SPACE_TOTAL);
		used = lt_word(space, lt_heap_space_used(known, kind));
		if (used > total)
			return -EAGAIN;
	}
	if (total % 4096 || total > LIMIT_MAX)
		return -EAGAIN;
	heap->space_total_bytes[kind] = (double)total;
	heap->space_used_bytes[kind] = (double)used;
	return lt_heap_space_available(image, kind, space, used,
				       &heap->space_available_bytes[kind]);
}

/* An allocation buffer: a piece of a space, which counts as used from its first byte to its last. */
struct lab {
	uint64_t owner; /* the space; 0: there is no such buffer */
	uint64_t area; /* where its start, top and limit stand */
};

static bool is_space(const struct lt_heap_image *image, uint64_t address)
{
	for (int32_t i = 0; address && i < image->known->n_spaces; i++)
		if (lt_heap_image__space(image, i) == address)
			return true;
	return false;
}

static int read_labs(const struct lt_heap_image *image, struct lab labs[LT_HEAP_LABS_MAX])
{
	const struct lt_heap_known *known = image->known;
	unsigned char block[LT_HEAP_ALLOCATOR_BYTES];

	memset(labs, 0, LT_HEAP_LABS_MAX * sizeof(*labs));
	if (known->allocator == LT_HEAP_NONE)
		return 0;
	if (lt_heap_image__memory(image, lt_word(image->block, (size_t)known->allocator), block,
				  (size_t)known->labs[known->n_labs - 1].present + 1))
		return -EAGAIN;
	for (int32_t i = 0; i < known->n_labs; i++) {
		const struct lt_heap_lab *lab = &known->labs[i];

		if (lab->present != LT_HEAP_NONE && !block[lab->present])
			continue;
		labs[i].owner = lt_word(block + lab->at, LT_HEAP_LAB_SPACE);
		labs[i].area = lt_word(block + lab->at, LT_HEAP_LAB_AREA);
		if (!is_space(image, labs[i].owner))
			return -EAGAIN;
	}
	return 0;
}

struct area {
	uint64_t start, top, limit;
};

static int read_area(const struct lt_heap_image *image, const struct lab *lab, struct area *area)
{
	return lt_heap_image__memory(image, lab->area, area, sizeof(*area)) ||
			       area->top < area->start || area->limit < area->top ||
			       area->limit - area->start > LAB_BYTES_MAX
		       ? -EAGAIN
		       : 0;
}

/* The space's own; each space has one at the most. */
static const struct lab *lab_of(const struct lt_heap_image *image,
				const struct lab labs[LT_HEAP_LABS_MAX], uint64_t space)
{
	for (int32_t i = 0; i < image->known->n_labs; i++)
		if (labs[i].owner == space)
			return &labs[i];
	return NULL;
}

/*
 * What a buffer has left is not used: it is given back before the process itself looks. The space's figure and its
 * buffer are of one moment only if that was the buffer before and after: one taken in between would be given back
 * from a figure that never had it, or the other way round. A thread that allocates may take one every few
 * microseconds, hence the reads close to each other.
 */
static int read_with_lab(const struct lt_heap_image *image, int32_t index, const struct lab *lab,
			 struct lt_heap *heap)
{
	int kind = image->known->order[index];
	struct area before, after;

	for (int i = 0; i < TRIES; i++) {
		if (read_area(image, lab, &before) || read_space(image, index, heap) ||
		    read_area(image, lab, &after))
			continue;
		if (before.start != after.start || before.limit != after.limit)
			continue;
		heap->space_used_bytes[kind] -= (double)(after.limit - after.top);
		heap->space_available_bytes[kind] +=
			lt_heap_given_back((enum lt_space)kind, after.limit - after.top);
		return heap->space_used_bytes[kind] >= 0 ? 0 : -EAGAIN;
	}
	return -EAGAIN;
}

static int read_spaces(const struct lt_heap_image *image, struct lt_heap *heap)
{
	struct lab labs[LT_HEAP_LABS_MAX];

	if (read_labs(image, labs))
		return -EAGAIN;
	for (int32_t i = 0; i < image->known->n_spaces; i++) {
		uint64_t space = lt_heap_image__space(image, i);
		const struct lab *lab = lab_of(image, labs, space);

		if (!space)
			continue;
		if (image->known->order[i] == LT_HEAP_NONE ||
		    (lab ? read_with_lab(image, i, lab, heap) : read_space(image, i, heap)))
			return -EAGAIN;
	}
	lt_heap__doubt_available(heap);
	return 0;
}

/* Node 16 counts what all isolates share. */
static int read_shared(const struct lt_heap_image *image, struct lt_heap *heap)
{
	unsigned char space[0x48];
	uint64_t total, used;

	if (image->known->read_only == LT_HEAP_NONE)
		return 0;
	if (lt_heap_image__memory(image, lt_word(image->block, (size_t)image->known->read_only),
				  space, sizeof(space)))
		return -EAGAIN;
	total = lt_word(space, LT_SPACE_TOTAL);
	used = lt_word(space, (size_t)image->known->read_only_used);
	if (total > LIMIT_MIN * 16 || total % 4096 || used > total)
		return -EAGAIN;
	heap->space_total_bytes[LT_SPACE_READ_ONLY] = (double)total;
	heap->space_used_bytes[LT_SPACE_READ_ONLY] = (double)used;
	heap->space_available_bytes[LT_SPACE_READ_ONLY] = image->source->has_available ? 0 : NAN;
	return 0;
}

static int read_limit(const struct lt_heap_image *image, uint64_t *ret_limit)
{
	uint64_t young, old;

	if (lt_heap_image__follow(image, image->block, image->known->young, &young) ||
	    lt_heap_image__follow(image, image->block, image->known->old, &old) ||
	    young > LIMIT_MAX || old > LIMIT_MAX)
		return -EAGAIN;
	*ret_limit = 3 * young + old; /* two semispaces and the young large objects */
	return *ret_limit >= LIMIT_MIN && *ret_limit <= LIMIT_MAX ? 0 : -EAGAIN;
}

static double external(const struct lt_heap_image *image)
{
	uint64_t bytes, more = 0;

	if (lt_heap_image__follow(image, image->block, image->known->external, &bytes) ||
	    (!is_nothing(image->known->external_more) &&
	     lt_heap_image__follow(image, image->block, image->known->external_more, &more)))
		return NAN;
	return bytes <= EXTERNAL_MAX && more <= EXTERNAL_MAX ? (double)(bytes + more) : NAN;
}

/* A collection moves the figures one by one: what is used is not known before it has ended. */
static bool is_collecting(const struct lt_heap_image *image)
{
	return lt_half(image->block, (size_t)image->known->gc_state) != 0;
}

static bool has_begun_collecting(const struct lt_heap_image *image)
{
	uint32_t state;

	return lt_heap_image__memory(image, image->heap + (uint64_t)image->known->gc_state, &state,
				     sizeof(state)) ||
	       state;
}

/* What V8 has taken from the system is right at any moment. */
static double total_only(const struct lt_heap_image *image)
{
	double total = 0;
	struct lt_heap shared = lt_heap__unknown(true);

	for (int32_t i = 0; i < image->known->n_spaces; i++) {
		unsigned char space[LT_HEAP_SPACE_BYTES];
		bool young = image->known->order[i] == LT_SPACE_NEW;

		if (!lt_heap_image__space(image, i))
			continue;
		if (lt_heap_image__memory(image, lt_heap_image__space(image, i), space,
					  young ? sizeof(space) : LT_SPACE_HEAD) ||
		    lt_word(space, LT_SPACE_HEAP) != image->heap)
			return NAN;
		total += (double)(young ? lt_word(space, (size_t)image->known->young_space.total) +
						  lt_word(space, (size_t)image->known->young_space
									 .total_more)
					: lt_word(space, LT_SPACE_TOTAL));
	}
	if (read_shared(image, &shared))
		return NAN;
	if (lt_known(shared.space_total_bytes[LT_SPACE_READ_ONLY]))
		total += shared.space_total_bytes[LT_SPACE_READ_ONLY];
	return total;
}

int lt_heap__read_once(const struct lt_heap_source *source, uint64_t isolate,
		       struct lt_heap *ret_heap)
{
	struct lt_heap heap = lt_heap__unknown(true);
	struct lt_heap_image image;
	double used = 0, total = 0;
	uint64_t limit;
	int err = lt_heap_image__read(source, isolate, &image);

	if (err)
		return err;
	if (read_limit(&image, &limit))
		return -EAGAIN;
	heap.limit_bytes = (double)limit;
	heap.external_bytes = external(&image);
	if (is_collecting(&image)) {
		total = total_only(&image);
		if (!(total > 0) || total > (double)(limit + OVER_LIMIT))
			return -EAGAIN;
		heap.total_bytes = total;
		*ret_heap = heap;
		return -EBUSY;
	}
	if (read_spaces(&image, &heap) || read_shared(&image, &heap) ||
	    has_begun_collecting(&image))
		return -EAGAIN;
	for (int i = 0; i < LT_SNAP_SPACES; i++) {
		if (!lt_known(heap.space_total_bytes[i]))
			continue;
		total += heap.space_total_bytes[i];
		used += heap.space_used_bytes[i];
	}
	if (!(used > 0) || used > total || total > (double)(limit + OVER_LIMIT))
		return -EAGAIN;
	heap.used_bytes = used;
	heap.total_bytes = total;
	*ret_heap = heap;
	return 0;
}

int lt_heap__read(const struct lt_heap_source *source, uint64_t isolate, struct lt_heap *ret_heap)
{
	/* Most collections are over after a few of these. */
	static const struct timespec pause = { .tv_nsec = 300000 };
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && (err == -EAGAIN || err == -EBUSY); i++) {
		if (err == -EBUSY)
			nanosleep(&pause, NULL);
		err = lt_heap__read_once(source, isolate, ret_heap);
	}
	return err == -EBUSY ? 0 : err;
}
