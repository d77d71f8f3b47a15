#!/usr/bin/env bash
# A private certificate authority and the broker's certificate, for installations without a public name.
#
#   make-certificates.sh FOLDER NAME [NAME ...]     names or addresses under which the broker is dialled
#
# ca.pem goes to every client (BERTH_GATEWAY__CA_FILE for ours); broker.pem and broker.key stay with the broker; ca.key goes
# off the machine. Run again, with ca.key put back for the run: the CA is kept, the broker's certificate is made anew (it lasts
# 397 days); restart the broker. Without ca.key beside ca.pem it refuses, for every client believes the CA that it has.
set -euo pipefail
umask 077

[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1; shift
mkdir -p "$folder"
cd "$folder"

if [ -f ca.pem ] && [ ! -f ca.key ]; then
  echo "make-certificates.sh: $folder has ca.pem without its ca.key: put ca.key back for this run; nothing was changed" >&2
  exit 2
fi
if [ ! -f ca.key ]; then
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -sha256 -days 3650 -subj "/CN=Berth broker CA" -out ca.pem \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
fi

names=
for name in "$@"; do
  if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then kind=IP; else kind=DNS; fi
  names="${names:+$names,}$kind:$name"
done
openssl ecparam -name prime256v1 -genkey -noout -out broker.key
openssl req -new -key broker.key -subj "/CN=$1" -out broker.csr
openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 -days 397 -out broker.pem -extfile <(
  printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' "$names"
)
rm broker.csr
chmod 644 ca.pem broker.pem
echo "$folder: ca.pem for the clients, broker.pem and broker.key for the broker; keep ca.key elsewhere"
