-- SPDX-License-Identifier: GPL-2.0-only
-- Copyright (c) 2026 The looptop authors
--
-- Neovim, which is on the shared libuv. Commands come by file descriptor 3: standard input is a
-- buffer to it. start {blocks, block_ms, tasks} blocks the loop that often in timers, and asks the
-- thread pool for that many file system operations.
local uv = vim.loop

local function tell(event, more)
  more.event = event
  io.stdout:write(vim.json.encode(more), '\n')
  io.stdout:flush()
end

local function burn(ms)
  local begin = uv.hrtime()
  while uv.hrtime() - begin < ms * 1e6 do
  end
  return (uv.hrtime() - begin) / 1e9
end

local function start(command, done)
  local truth = { blocks = command.blocks, blocked_seconds = 0, tasks = command.tasks }
  local left = command.blocks
  local timer = uv.new_timer()
  local function stat(n)
    if n == 0 then
      timer:start(50, 0, function()
        timer:close()
        done(truth)
      end)
    else
      uv.fs_stat('/', function()
        stat(n - 1)
      end)
    end
  end
  -- armed again when it has run: a repeating one would be due again at once, in the same turn
  local function block()
    truth.blocked_seconds = truth.blocked_seconds + burn(command.block_ms)
    left = left - 1
    if left > 0 then
      uv.update_time()
      timer:start(20, 0, block)
    else
      stat(command.tasks)
    end
  end
  uv.update_time()
  timer:start(20, 0, block)
end

local pipe, text = uv.new_pipe(false), ''
pipe:open(3)
pipe:read_start(function(_, data)
  if not data then
    os.exit(0)
  end
  text = text .. data
  local line, rest = text:match('^([^\n]*)\n(.*)$')
  if not line then
    return
  end
  text = rest
  local command = vim.json.decode(line)
  local function done(truth)
    tell('done', { cmd = command.cmd, truth = truth })
  end
  if command.cmd == 'start' then
    start(command, done)
  else
    done(vim.empty_dict())
  end
end)
tell('ready', { pid = uv.os_getpid() })
