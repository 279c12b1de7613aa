/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Objects and arrays of V8's heap, read from outside. */
#include "agent/v8/heap.h"

#include <errno.h>

#include "agent/util/clock.h"

#define ADDRESS_MIN  0x10000
#define ADDRESS_MAX  (1ull << 47)
#define ELEMENTS_MAX (1 << 27) /* more than V8 allows of any array */
/* A stack that is seen first takes some hundred reads; a big bundle's source is read once. */
#define READS_MAX 6000
#define BYTES_MAX (192ull << 20)
#define MAPS_NS	  1000000000ull

enum {
	ARRAY_LENGTH = 8,
	ARRAY_DATA = 16
};

void lt_v8_heap__begin(struct lt_v8_heap *heap)
{
	uint64_t now = lt_now_ns();

	heap->reads_left = READS_MAX;
	heap->bytes_left = BYTES_MAX;
	heap->gone = 0;
	if (now - heap->maps_ns < MAPS_NS)
		return;
	heap->maps_ns = now;
	memset(heap->maps, 0, sizeof(heap->maps));
}

int lt_v8_heap__read(struct lt_v8_heap *heap, uint64_t address, void *buf, size_t length)
{
	int err;

	if (address < ADDRESS_MIN || address >= ADDRESS_MAX || length > ADDRESS_MAX - address)
		return -EFAULT;
	if (heap->gone)
		return heap->gone;
	if (!heap->reads_left || length > heap->bytes_left)
		return -EBUSY;
	heap->reads_left--;
	heap->bytes_left -= length;
	heap->stats.reads++;
	err = heap->memory.read(heap->memory.ctx, address, buf, length);
	if (err == -ESRCH || err == -EPERM)
		heap->gone = err;
	return err;
}

int lt_v8_heap__read_some(struct lt_v8_heap *heap, uint64_t address, void *buf, size_t min,
			  size_t max)
{
	int err = lt_v8_heap__read(heap, address, buf, max);

	if (!err || min == max)
		return err;
	memset((char *)buf + min, 0, max - min);
	return lt_v8_heap__read(heap, address, buf, min);
}

int lt_v8_heap__map_type(struct lt_v8_heap *heap, uint64_t map)
{
	size_t slot = (size_t)(map * 0x9e3779b97f4a7c15ull >> 58);
	int32_t at = heap->layout->map_instance_type;
	unsigned char block[32];
	uint16_t type;
	int err;

	if (!lt_v8_is_object(map) || at < 8 || (size_t)at + sizeof(type) > sizeof(block))
		return -EFAULT;
	if (heap->maps[slot].map == map)
		return heap->maps[slot].type;
	err = lt_v8_heap__read(heap, lt_v8_address(map), block, (size_t)at + sizeof(type));
	if (err)
		return err;
	if (!lt_v8_is_object(lt_word(block, 0))) /* a map has a map */
		return -EFAULT;
	memcpy(&type, block + at, sizeof(type));
	heap->maps[slot].map = map;
	heap->maps[slot].type = type;
	return type;
}

int lt_v8_heap__object(struct lt_v8_heap *heap, uint64_t word, void *buf, size_t min, size_t max)
{
	int err;

	if (!lt_v8_is_object(word))
		return -EFAULT;
	err = lt_v8_heap__read_some(heap, lt_v8_address(word), buf, min, max);
	if (err)
		return err;
	return lt_v8_heap__map_type(heap, lt_word(buf, 0));
}

bool lt_v8_heap__is(struct lt_v8_heap *heap, uint64_t word, int32_t type)
{
	uint64_t map;

	return type >= 0 && lt_v8_heap__object(heap, word, &map, sizeof(map), sizeof(map)) == type;
}

int64_t lt_v8_heap__array(struct lt_v8_heap *heap, uint64_t word, size_t unit, void *buf,
			  size_t max)
{
	unsigned char head[ARRAY_DATA];
	int64_t length;
	size_t size;
	int err = lt_v8_heap__object(heap, word, head, sizeof(head), sizeof(head));

	if (err < 0)
		return err;
	if (!lt_v8_is_smi(lt_word(head, ARRAY_LENGTH)))
		return -EFAULT;
	length = lt_v8_smi(lt_word(head, ARRAY_LENGTH));
	if (length < 0 || length > ELEMENTS_MAX)
		return -EFAULT;
	size = (size_t)length * unit < max ? (size_t)length * unit : max;
	err = size ? lt_v8_heap__read(heap, lt_v8_address(word) + ARRAY_DATA, buf, size) : 0;
	return err ? err : length;
}

int lt_v8_heap__element(struct lt_v8_heap *heap, uint64_t word, int64_t index, uint64_t *ret_word)
{
	int64_t length = lt_v8_heap__array(heap, word, sizeof(uint64_t), NULL, 0);

	if (length < 0)
		return (int)length;
	if (index < 0 || index >= length)
		return -ERANGE;
	return lt_v8_heap__read(heap, lt_v8_address(word) + ARRAY_DATA + (uint64_t)index * 8,
				ret_word, sizeof(*ret_word));
}
