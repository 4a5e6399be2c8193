"""The web page of a ring: `spmonitor web`.

    watcher      asks the daemons and keeps what they answer        -> Sight
    feed         makes page data of a Sight: rings, words, story    -> JSON, once a second
    streams      hands each piece of page data to every open page   (server-sent events)
    board        the present picture, for pages that open
    access       who may read: hosts, token, cookie
    app          routes and headers
    place        address, port, listening socket
    connections  how long each may take, and who makes room for others
    server       uvicorn, and an orderly end

The page itself stands in `static/`, as it is sent: no build step, nothing from another host.
"""
