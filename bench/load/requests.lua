-- Sends the requests of a file in turn; a run of @ in one becomes a number that no other request has.
-- Arguments: the file, the first number. Prints one line of JSON at the end.

local requests = {}
local before, after
local number, sent = 0, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local content = file:read("*a")
  file:close()
  local start = 1
  while start <= #content do
    local a, b, c, d = content:byte(start, start + 3)
    local length = a + b * 256 + c * 65536 + d * 16777216
    requests[#requests + 1] = content:sub(start + 4, start + 3 + length)
    start = start + 4 + length
  end
  number = tonumber(arguments[2])
  local first, last = requests[1]:find("@@@@@@@@@@@@", 1, true)
  if first then
    before, after = requests[1]:sub(1, first - 1), requests[1]:sub(last + 1)
  end
end

function request()
  if before then
    number = number + 1
    -- In two halves: LuaJIT's %x takes 32 bits.
    return before .. string.format("%06x%06x", math.floor(number / 16777216), number % 16777216) .. after
  end
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"refused":%d,"broken":%d,"late":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
