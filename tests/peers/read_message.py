#!/usr/bin/python3
"""read_message.py FILE SEALED: reads a mail as RFC 3156 wants it, writes the sealed part's bytes to SEALED, prints JSON."""
import email, email.policy, json, sys

message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
parts = list(message.iter_parts())
with open(sys.argv[2], "wb") as file:
    file.write(parts[1].get_payload(decode=True))
print(json.dumps({
    "type": message.get_content_type(),
    "protocol": message.get_param("protocol"),
    "headers": {name: message[name] for name in ("Message-ID", "Date", "From", "To", "Subject", "MIME-Version")},
    "parts": [part.get_content_type() for part in parts],
    "version": parts[0].get_payload(decode=True).decode().strip(),
    "file_name": parts[1].get_filename(),
    "defects": [type(d).__name__ for part in message.walk() for d in part.defects],
}))
