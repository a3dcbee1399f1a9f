#!/usr/bin/python3
"""drop_proxy.py LISTEN_PORT TARGET_PORT EVERY: passes connections on, on loopback, and cuts each after a while.

The first is cut when EVERY bytes have gone from server to client, the second at twice as many, and so on: what a client
tries again and again is cut at every EVERYth byte in turn. LISTEN_PORT 0: a free one, which it prints.
"""
import asyncio, itertools, socket, sys

listen, target, every = map(int, sys.argv[1:])
cuts = itertools.count(every, every)


async def forward(reader, writer, left=None):
    """Until either side ends, or so many bytes are through."""
    while left != 0 and (chunk := await reader.read(65536 if left is None else min(left, 65536))):
        writer.write(chunk)
        await writer.drain()
        left = left and left - len(chunk)


async def connected(client_reader, client):
    cut = next(cuts)
    try:
        # From another address than the server's: Dovecot would hold the connection for safe without TLS.
        server_reader, server = await asyncio.open_connection("127.0.0.1", target, local_addr=("127.0.0.2", 0))
    except OSError:
        client.close()
        return
    ways = [asyncio.create_task(forward(client_reader, server)),
            asyncio.create_task(forward(server_reader, client, cut))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    server.close()
    client.close()  # once it has what was written
    for way in ways:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)


async def main():
    listener = socket.create_server(("127.0.0.1", listen))
    if listen == 0:
        print(listener.getsockname()[1], flush=True)
    async with await asyncio.start_server(connected, sock=listener) as serving:
        await serving.serve_forever()


asyncio.run(main())
