#!/usr/bin/python3
"""reset_smtp.py CERT KEY OUT SEED: a mail server (STARTTLS) on a free loopback port, which it prints, that resets most
connections, at places that SEED picks:
  early: at MAIL, RCPT or DATA    cut: inside the message    lost: the message is thrown away before the answer
  taken: the message is taken, and no answer given    half: half an answer    whole: a whole answer    none: no reset
What it takes goes to OUT/N.eml; what it did about which Message-ID, a line each, to OUT/done.
"""
import asyncio, os, random, re, signal, socket, ssl, struct, sys
from aiosmtpd.smtp import SMTP

cert, key, out, seed = sys.argv[1:5]
chance = random.Random(int(seed))
taken = 0
done = open(f"{out}/done", "w", buffering=1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


class Server(SMTP):
    def connection_made(self, transport):
        if not hasattr(self, "plan"):
            self.plan = chance.choice(("early", "cut", "lost", "taken", "taken", "half", "half", "whole", "none", "none"))
            self.early_at = chance.choice(("MAIL", "RCPT", "DATA"))
        super().connection_made(transport)

    def reset(self):
        """RST, not FIN: what is still on its way is lost with it."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        raise asyncio.CancelledError

    async def begins(self, command, arg):
        if self.plan == "early" and self.early_at == command:
            self.reset()
        await getattr(super(), f"smtp_{command}")(arg)

    async def smtp_MAIL(self, arg):
        await self.begins("MAIL", arg)

    async def smtp_RCPT(self, arg):
        await self.begins("RCPT", arg)

    async def smtp_DATA(self, arg):
        if self.plan == "cut":
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.readexactly(200)
            self.reset()
        await self.begins("DATA", arg)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        global taken
        message_id = re.search(rb"(?im)^Message-ID: *<(.*?)>", envelope.content)[1].decode()
        if server.plan != "lost":
            taken += 1
            with open(f"{out}/{taken}.part", "wb") as file:
                file.write(envelope.content)
            os.rename(f"{out}/{taken}.part", f"{out}/{taken}.eml")
        done.write(f"{message_id} {server.plan}\n")
        answer = b"250 2.0.0 Ok: queued\r\n"
        if server.plan in ("half", "whole"):
            server._writer.write(answer[: len(answer) // 2] if server.plan == "half" else answer)
            await server._writer.drain()
        if server.plan != "none":
            server.reset()
        return answer.decode().strip()


async def main():
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    serving = await loop.create_server(
        lambda: Server(Handler(), hostname="reset.example", tls_context=context, require_starttls=True),
        sock=listener)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(listener.getsockname()[1], flush=True)
    await stop.wait()
    serving.close()


asyncio.run(main())
