#!/bin/sh
# postfix.sh DIR CERTIFICATES PORT: lays out and runs Postfix in the foreground, with all it has below DIR. Needs root.
# PORT: STARTTLS; PORT+1: implicit TLS. Account returns@mx.example, password "correct horse". Mail for dwp.example and
# council.example goes to Maildirs DIR/mail/NAME/, mail for gone.example is taken and comes back; r450@ and r550@ are
# refused as recipients, `Subject: refuse` after the dot.
set -eu
dir=$1 certificates=$2 port=$3
mkdir -p "$dir/etc/sasl" "$dir/queue" "$dir/data" "$dir/mail"
chmod 755 "$dir" "$dir/etc"
chown postfix "$dir/data"
chown nobody "$dir/mail"
cat > "$dir/etc/main.cf" <<CF
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/postfix.log
maillog_file_prefixes = $dir
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example
mydestination =
mynetworks =
virtual_mailbox_domains = dwp.example, council.example
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:hbms/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
transport_maps = regexp:$dir/etc/transport
default_transport = error:5.7.1 no other mail in tests
smtpd_tls_cert_file = $certificates/localhost.pem
smtpd_tls_key_file = $certificates/localhost.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_local_domain = mx.example
cyrus_sasl_config_path = $dir/etc/sasl
smtpd_recipient_restrictions = check_recipient_access regexp:$dir/etc/recipients, permit_sasl_authenticated, reject
header_checks = regexp:$dir/etc/header_checks
message_size_limit = 52428800
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
CF
cat > "$dir/etc/master.cf" <<CF
127.0.0.1:$port inet n - n - - smtpd
127.0.0.1:$((port + 1)) inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
returning unix - n n - - pipe flags= user=nobody argv=$dir/etc/knows-nobody
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
CF
echo '/^Subject: refuse/ REJECT 5.6.0 refused for its content' > "$dir/etc/header_checks"
echo '/@gone\.example$/ returning:' > "$dir/etc/transport"
# EX_NOUSER of sysexits.h
printf '#!/bin/sh\nexit 67\n' > "$dir/etc/knows-nobody"
chmod 755 "$dir/etc/knows-nobody"
printf '/^r450@/ 450 4.2.1 not now\n/^r550@/ 550 5.7.1 not here\n' > "$dir/etc/recipients"
cat > "$dir/etc/sasl/smtpd.conf" <<CF
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $dir/etc/sasldb2
mech_list: PLAIN LOGIN
CF
echo "correct horse" | saslpasswd2 -p -c -f "$dir/etc/sasldb2" -u mx.example returns
chgrp postfix "$dir/etc/sasldb2"
chmod 640 "$dir/etc/sasldb2"
exec postfix -c "$dir/etc" start-fg
