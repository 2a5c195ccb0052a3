-- Absolute-form requests of many hosts and URLs, in turn, as a proxy gets them.

local requests = {}
local n = 0

function init(args)
    local hosts = tonumber(args[1]) or 200
    local urls = tonumber(args[2]) or 2000

    for i = 0, urls - 1 do
        local host = string.format("www%d.bench%d.example", i % hosts, i % hosts)

        requests[i + 1] = "GET http://" .. host .. "/articles/" .. i
            .. "/page.html?id=" .. (i * 7919) .. "&lang=en HTTP/1.1\r\n"
            .. "Host: " .. host .. "\r\n"
            .. "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
            .. "Accept: text/html,*/*;q=0.8\r\n"
            .. "Accept-Language: en-US,en;q=0.5\r\n\r\n"
    end
end

function request()
    n = n % #requests + 1
    return requests[n]
end
