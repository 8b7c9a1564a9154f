-- For wrk: each of a thousand agents in three representations, one after another, more than are kept. DID_PREFIX is the DID without its id.
local types = { "application/did-resolution", "application/did", "application/json" }
local place = "/1.0/identifiers/" .. os.getenv("DID_PREFIX")
local n = 0

function request()
  n = n + 1
  return wrk.format("GET", place .. n % 1000, { Accept = types[math.floor(n / 1000) % 3 + 1] })
end
