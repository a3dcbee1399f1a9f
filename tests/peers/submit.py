#!/usr/bin/python3
"""submit.py PORT CA FROM TO < MAIL: hands a mail to a server of the tests, as an account of it, over STARTTLS."""
import smtplib, ssl, sys

port, ca, sender, to = sys.argv[1:]
with smtplib.SMTP("localhost", int(port), timeout=60) as server:
    server.starttls(context=ssl.create_default_context(cafile=ca))
    server.login("returns@mx.example", "correct horse")
    server.sendmail(sender, [to], sys.stdin.buffer.read())
