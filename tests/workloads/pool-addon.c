/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A Node add-on whose thread pool tasks know when they were submitted, started, finished and
 * delivered. Two ways into the pool: Node-API's async work ("napi"), and libuv's own
 * uv_queue_work, as native add-ons do ("other"). Each task sleeps for the time given.
 *   work(uses_node_api, sleep_ms, callback)   callback(submitted, started, finished, delivered)
 *   cancel(count, sleep_ms, callback)         callback(cancelled) once all have ended
 */
#define NAPI_VERSION 6
#include <node_api.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

struct task {
	napi_env env;
	napi_ref callback;
	napi_async_work work; /* of Node-API, or NULL */
	uv_work_t request; /* of libuv */
	struct timespec sleep;
	double submitted, started, finished; /* seconds of CLOCK_MONOTONIC */
	struct batch *batch; /* of cancel(), or NULL */
};

struct batch {
	napi_ref callback;
	uint32_t waiting, cancelled;
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run(struct task *task)
{
	task->started = now_seconds();
	nanosleep(&task->sleep, NULL);
	task->finished = now_seconds();
}

static void call_back(napi_env env, napi_ref callback, size_t n, const double *values)
{
	napi_value function, global, args[4];

	napi_get_reference_value(env, callback, &function);
	napi_get_global(env, &global);
	for (size_t i = 0; i < n; i++)
		napi_create_double(env, values[i], &args[i]);
	napi_make_callback(env, NULL, global, function, n, args, NULL);
	napi_delete_reference(env, callback);
}

static void deliver(struct task *task, bool cancelled)
{
	double delivered = now_seconds();
	double values[] = { task->submitted, task->started, task->finished, delivered };
	struct batch *batch = task->batch;
	napi_handle_scope scope;

	napi_open_handle_scope(task->env, &scope);
	if (batch == NULL) {
		call_back(task->env, task->callback, 4, values);
	} else {
		batch->cancelled += cancelled;
		if (--batch->waiting == 0) {
			call_back(task->env, batch->callback, 1, &(double){ batch->cancelled });
			free(batch);
		}
	}
	napi_close_handle_scope(task->env, scope);
	if (task->work != NULL)
		napi_delete_async_work(task->env, task->work);
	free(task);
}

static void napi_run(napi_env env, void *data)
{
	(void)env;
	run(data);
}

static void napi_done(napi_env env, napi_status status, void *data)
{
	(void)env;
	deliver(data, status == napi_cancelled);
}

static void uv_run_task(uv_work_t *request)
{
	run(request->data);
}

static void uv_done(uv_work_t *request, int status)
{
	deliver(request->data, status == UV_ECANCELED);
}

static struct task *new_task(napi_env env, double sleep_ms)
{
	struct task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		abort();
	task->env = env;
	task->sleep.tv_sec = (time_t)(sleep_ms / 1e3);
	task->sleep.tv_nsec = (long)((sleep_ms - 1e3 * (double)task->sleep.tv_sec) * 1e6);
	task->request.data = task;
	return task;
}

static void queue_napi(struct task *task)
{
	napi_value name;

	napi_create_string_utf8(task->env, "pool-addon", NAPI_AUTO_LENGTH, &name);
	napi_create_async_work(task->env, NULL, name, napi_run, napi_done, task, &task->work);
	task->submitted = now_seconds();
	napi_queue_async_work(task->env, task->work);
}

static void queue_uv(struct task *task)
{
	uv_loop_t *loop;

	napi_get_uv_event_loop(task->env, &loop);
	task->submitted = now_seconds();
	uv_queue_work(loop, &task->request, uv_run_task, uv_done);
}

static napi_value work(napi_env env, napi_callback_info info)
{
	napi_value args[3];
	size_t n = 3;
	bool uses_node_api;
	double sleep_ms;
	struct task *task;

	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	napi_get_value_bool(env, args[0], &uses_node_api);
	napi_get_value_double(env, args[1], &sleep_ms);
	task = new_task(env, sleep_ms);
	napi_create_reference(env, args[2], 1, &task->callback);
	if (uses_node_api)
		queue_napi(task);
	else
		queue_uv(task);
	return NULL;
}

/* Queues count tasks and cancels each at once: those that no thread has taken yet never run. */
static napi_value cancel(napi_env env, napi_callback_info info)
{
	napi_value args[3];
	size_t n = 3;
	uint32_t count;
	double sleep_ms;
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		abort();
	napi_get_cb_info(env, info, &n, args, NULL, NULL);
	napi_get_value_uint32(env, args[0], &count);
	napi_get_value_double(env, args[1], &sleep_ms);
	napi_create_reference(env, args[2], 1, &batch->callback);
	batch->waiting = count;
	for (uint32_t i = 0; i < count; i++) {
		struct task *task = new_task(env, sleep_ms);

		task->batch = batch;
		queue_napi(task);
		napi_cancel_async_work(env, task->work);
	}
	return NULL;
}

NAPI_MODULE_INIT()
{
	napi_value function;

	napi_create_function(env, "work", NAPI_AUTO_LENGTH, work, NULL, &function);
	napi_set_named_property(env, exports, "work", function);
	napi_create_function(env, "cancel", NAPI_AUTO_LENGTH, cancel, NULL, &function);
	napi_set_named_property(env, exports, "cancel", function);
	return exports;
}
