#!/bin/sh
# dovecot.sh DIR CERTIFICATES PORT: lays out and runs Dovecot in the foreground, with all it has below DIR. Needs root.
# PORT: STARTTLS; PORT+1: implicit TLS. Account hbms@council.example, password "correct horse", for TLS only, with a
# folder Processed; its Maildir is DIR/mail/Maildir/. CAPABILITY in the environment, if set, is all that is advertised;
# INTROSPECTION, if set, is asked about tokens, which are then another way to log in (XOAUTH2).
set -eu
dir=$1 certificates=$2 port=$3
mkdir -p "$dir/etc" "$dir/mail/Maildir/cur" "$dir/mail/Maildir/new" "$dir/mail/Maildir/tmp"
chmod 755 "$dir" "$dir/etc"
# What a server that was killed leaves: it would keep the next from starting, or waiting two minutes for a lock.
rm -f "$dir/run/master.pid" "$dir/mail/Maildir/"*.lock "$dir/mail/Maildir/.Processed/"*.lock
chown -R 65534:65534 "$dir/mail"
# Dovecot holds a client on its own host for safe without TLS, whatever `ssl` says. So %c, "TLS" or not, is in the name.
echo 'hbms@council.example/TLS:{PLAIN}correct horse' > "$dir/etc/passwd"
cat > "$dir/etc/oauth2.conf" <<CF
introspection_mode = post
introspection_url = ${INTROSPECTION:-}
active_attribute = active
active_value = true
username_attribute = username
CF
tokens=
[ -z "${INTROSPECTION:-}" ] || tokens="
auth_mechanisms = plain xoauth2
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = $dir/etc/oauth2.conf
}"
cat > "$dir/etc/dovecot.conf" <<CF
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot.log
listen = 127.0.0.1
protocols = imap
${CAPABILITY:+imap_capability = $CAPABILITY}
ssl = required
$tokens
ssl_cert = <$certificates/localhost.pem
ssl_key = <$certificates/localhost.key
passdb {
  driver = passwd-file
  args = username_format=%u/%c $dir/etc/passwd
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=$dir/mail
}
auth_failure_delay = 0
mail_location = maildir:$dir/mail/Maildir
mail_max_userip_connections = 100
mailbox_idle_check_interval = 1s
namespace inbox {
  inbox = yes
  mailbox Processed {
    auto = create
  }
}
service imap-login {
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = $((port + 1))
    ssl = yes
  }
}
# Wrong passwords are part of the tests, and shall not make the next login wait.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
CF
exec dovecot -F -c "$dir/etc/dovecot.conf"
