#!/usr/bin/python3
"""imap_client.py PORT CA: another client of the tests' mailbox. Until its standard input ends it marks mails as read and
unread and moves every third it finds to the folder `Elsewhere`; then it prints how many it moved."""
import imaplib, select, ssl, sys

port, ca = sys.argv[1:]
client = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=ssl.create_default_context(cafile=ca))
client.login("hbms@council.example", "correct horse")
client.create("Elsewhere")
client.select("INBOX")
moved, seen = 0, set()
while not select.select([sys.stdin], [], [], 0.01)[0]:
    client.noop()
    for uid in client.uid("SEARCH", "ALL")[1][0].split():
        client.uid("STORE", uid, "+FLAGS", r"(\Seen \Flagged)")
        if uid not in seen and len(seen) % 3 == 2:
            answer = client.uid("MOVE", uid, "Elsewhere")
            moved += client.untagged_responses.pop("COPYUID", None) is not None or b"COPYUID" in b"".join(filter(None, answer[1]))
        seen.add(uid)
        client.uid("STORE", uid, "-FLAGS", r"(\Seen)")
print(moved)
client.logout()
