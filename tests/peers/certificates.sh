#!/bin/sh
# certificates.sh DIR: two certificate authorities; from the first, certificates for localhost and for another host.
set -eu
cd "$1"
new_key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
authority() {
  openssl req -x509 $new_key -days 30 -subj "/CN=$2" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
server() {
  openssl req $new_key -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
authority ca "Test Authority"
authority other-ca "Other Test Authority"
server localhost localhost
server elsewhere elsewhere.example
chmod 600 ./*.key
