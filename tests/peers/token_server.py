#!/usr/bin/python3
"""token_server.py CERT KEY: OAuth 2.0 by client credentials, and what a mail server asks it about tokens.

Prints two ports. The first is https: POST /token grants one to client `courier` with secret "correct horse" and scope
`mail`; POST /unwanted grants one that no server takes; /broken answers 500. The second is http: POST /introspect says
whether a token counts, and for whom.
"""
import http.server, json, ssl, sys, threading, urllib.parse

cert, key = sys.argv[1:]
good = {"grant_type": "client_credentials", "client_id": "courier", "client_secret": "correct horse", "scope": "mail"}
granted = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        said = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        if self.path == "/broken":
            return self.answer(500, {})
        if self.path == "/introspect":
            counts = said.get("token") in granted
            return self.answer(200, {"active": counts, "username": "hbms@council.example"} if counts else {"active": False})
        if said != good:
            return self.answer(401, {"error": "invalid_client", "error_description": f"not {said}"})
        token = f"token.{len(granted)}.{self.path.strip('/')}"
        if self.path == "/token":
            granted.add(token)
        self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(encrypted):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
    return server.server_address[1]


print(serve(True), serve(False), flush=True)
