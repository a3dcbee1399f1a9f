#!/usr/bin/python3
"""fault_smtp.py CERT KEY OUT MODE: a mail server with faults, on a free loopback port, which it prints.

MODE: starttls | implicit | plain (no STARTTLS offered) | inject-N (N answers in clear behind the one to STARTTLS)
      | small (takes 1000 bytes) | login (AUTH LOGIN only) | closed (421 as greeting)
      | barred (554 as greeting)
      | tokens (AUTH XOAUTH2 only, for the token "good-token")
      | reports (offers DSN; MAIL and RCPT are written to OUT/commands whole) | no-reports (offers it and refuses it)
      | waits (takes a message, and answers once there is OUT/go)
      | at-STEP-FAULT: at STEP (greeting EHLO STARTTLS AUTH MAIL RCPT DATA dot), FAULT (451 554 stall close garbage)
The first recipient's name picks the fault:
  rNNN: answer NNN to RCPT    dNNN: answer NNN after the dot     first451: 451 after the dot, once
  silent: never answers the dot    gone: closes after the dot    cut: closes inside the message
  odd: nonsense after the dot
What it takes goes to OUT/N.eml, with .eml written before the answer; every command line goes to OUT/commands.
"""
import asyncio, base64, os, re, signal, socket, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

cert, key, out, mode = sys.argv[1:5]
seen, taken = set(), 0
step, fault = mode.split("-")[1:] if mode.startswith("at-") else ("", "")
commands = open(f"{out}/commands", "w", buffering=1)


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]] if mode.endswith("reports") else responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if fault := re.fullmatch(r"r(\d{3})", name):
            return f"{fault[1]} {fault[1][0]}.1.1 <{address}>: no such {name}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global taken
        if step == "dot":
            await server.misbehave()
        name = envelope.rcpt_tos[0].split("@")[0]
        if fault := re.fullmatch(r"d(\d{3})", name):
            return f"{fault[1]} {fault[1][0]}.3.4 not for {envelope.rcpt_tos[0]}"
        if name == "first451" and name not in seen:
            seen.add(name)
            return "451 4.3.0 once"
        if name == "odd":
            return "299999 what"
        taken += 1
        with open(f"{out}/{taken}.part", "wb") as file:
            file.write(envelope.content)
        os.rename(f"{out}/{taken}.part", f"{out}/{taken}.eml")
        while mode == "waits" and not os.path.exists(f"{out}/go"):
            await asyncio.sleep(0.02)
        if name == "gone":
            server.transport.abort()
        if name == "silent":
            await asyncio.Event().wait()
        return f"250 2.0.0 Ok: queued as {taken} for {envelope.rcpt_tos[0]}"


    async def auth_XOAUTH2(self, server, args):
        said = base64.b64decode(args[1]) if len(args) > 1 else b""
        commands.write("AUTH XOAUTH2\n")
        if said == b"user=returns\x01auth=Bearer odd-token\x01\x01":
            await server.push("334 eyJzdGF0dXMiOiI0MDEifQ==")
            await server._reader.readline()
        if said == b"user=returns\x01auth=Bearer good-token\x01\x01":
            return AuthResult(success=True, auth_data=LoginPassword(b"returns", b""))
        return AuthResult(success=False, handled=False, message="535 5.7.8 no such token")


class Server(SMTP):
    has_greeted = False

    async def misbehave(self):
        """Whatever is wanted, then nothing more."""
        if fault == "garbage":
            self._writer.write(b"\xff\xfe 250 no answer\r\n250\r\n")
        elif fault in ("451", "554"):
            await super().push(f"{fault} {fault[0]}.3.0 not for returns@council.example")
            # What is asked after it gets no answer that could be taken for one to it.
            await self._reader.read()
        elif fault == "stall":
            await asyncio.Event().wait()
        await self._writer.drain()
        self.transport.close()
        raise asyncio.CancelledError

    async def push(self, status):
        if step == "greeting" and not self.has_greeted:
            await self.misbehave()
        self.has_greeted = True
        if mode.startswith("inject-") and str(status).startswith("220 Ready to start TLS"):
            answers = [f"{code} injected" for code in (250, 250, 250, 250, 354, 250)]
            status = "\r\n".join([status, *answers[: int(mode.removeprefix("inject-"))]])
        await super().push(status)

    async def smtp_DATA(self, arg):
        if step == "DATA":
            await self.misbehave()
        if self.envelope.rcpt_tos and self.envelope.rcpt_tos[0].startswith("cut@"):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.readexactly(1000)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)

    async def _call_handler_hook(self, command, *args):
        commands.write(f"{command}\n")
        return await super()._call_handler_hook(command, *args)


def faulty(command):
    async def answer(self, arg):
        if step == command:
            await self.misbehave()
        if mode == "reports" and arg:
            commands.write(f"{command} {arg}\n")
            arg = re.sub(r" (RET|ENVID|NOTIFY)=\S+", "", arg)
        await getattr(super(Server, self), f"smtp_{command}")(arg)
    return answer


for command in ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT"):
    setattr(Server, f"smtp_{command}", faulty(command))


def authenticate(server, session, envelope, mechanism, data):
    commands.write(f"AUTH {mechanism}\n")
    good = mechanism == "XOAUTH2" or isinstance(data, LoginPassword) and (data.login, data.password) == (b"returns", b"correct horse")
    return AuthResult(success=good, handled=False, message=None if good else "535 5.7.8 not returns@council.example")


def server():
    encrypted = {} if mode in ("implicit", "plain") else {"tls_context": context, "require_starttls": True}
    return Server(Handler(), hostname="fault.example", authenticator=authenticate, auth_require_tls=mode != "implicit",
                  data_size_limit=1000 if mode == "small" else 50 * 2**20,
                  auth_exclude_mechanism={"login": ["PLAIN", "XOAUTH2"], "tokens": ["PLAIN", "LOGIN"]}.get(mode, ["XOAUTH2"]),
                  **encrypted)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


async def closed(reader, writer):
    writer.write(b"421 4.3.2 closed for today\r\n" if mode == "closed" else b"554 5.7.1 not from there\r\n")
    await writer.drain()
    writer.close()


async def main():
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    if mode in ("closed", "barred"):
        serving = await asyncio.start_server(closed, sock=listener)
    else:
        serving = await loop.create_server(server, sock=listener, ssl=context if mode == "implicit" else None)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(listener.getsockname()[1], flush=True)
    await stop.wait()
    serving.close()


asyncio.run(main())
