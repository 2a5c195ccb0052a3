-- Orders to each of some hosts in turn, in absolute-form, as a proxy gets them.

local requests = {}
local n = 0

function init(args)
    local hosts = tonumber(args[3]) or 200
    local orders = tonumber(args[4]) or 1

    for i = 0, hosts - 1 do
        local f = assert(io.open(args[1] .. "." .. i % orders, "rb"))
        local body = f:read("*a")

        f:close()

        local host = string.format("www%d.bench%d.example", i, i)

        requests[i + 1] = "POST http://" .. host .. "/api/orders HTTP/1.1\r\n"
            .. "Host: " .. host .. "\r\n"
            .. "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
            .. "Accept: */*\r\n"
            .. "Content-Type: " .. args[2] .. "\r\n"
            .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
    end
end

function request()
    n = n % #requests + 1
    return requests[n]
end
