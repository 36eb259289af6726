-- For wrk: send the requests of a file by turns, one a line, and print a line of JSON at the end.

local requests, turn = {}, 0

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local line = '{"requests": %d, "refused": %d, "broken": %d, "p50": %.6f, "p99": %.6f}'
  local p50, p99 = latency:percentile(50) / 1e6, latency:percentile(99) / 1e6
  print(line:format(summary.requests, errors.status, broken, p50, p99))
end
