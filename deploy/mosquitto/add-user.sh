#!/usr/bin/env bash
# A user of the broker with a fresh password, printed once; only its hash is kept.
#
#   add-user.sh [-d FOLDER] NAME          an operator (its id), a camera (its serial number), or a user that the acl names
#   add-user.sh [-d FOLDER] --next NAME   a second user NAME.next with the same rights, to rotate without a gap
#   add-user.sh [-d FOLDER] --remove NAME
#
# FOLDER holds `passwords` and `acl`; /etc/mosquitto/berth when not given. A running broker is told by SIGHUP, when there is
# one and we may. An existing NAME gets a new password: who is connected stays, the next connection needs the new one.
set -euo pipefail
umask 077

folder=/etc/mosquitto/berth
action=add
while [ $# -gt 1 ]; do
  case "$1" in
    -d) folder=$2; shift 2 ;;
    --next) action=next; shift ;;
    --remove) action=remove; shift ;;
    *) break ;;
  esac
done
[ $# -eq 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
name=$1
passwords=$folder/passwords
acl=$folder/acl

fail() { echo "add-user.sh: $1" >&2; exit 2; }

[[ $name =~ ^[A-Za-z0-9][A-Za-z0-9-]{0,63}(\.next)?$ ]] || fail "a name has letters, digits and hyphens: it becomes a level of topics"
case "$name" in public | signs) fail "$name is a level of public topics and nobody's name" ;; esac
[ -f "$acl" ] || fail "there is no $acl; copy it there first"
touch "$passwords"

if [ "$action" = next ]; then
  [[ $name != *.next ]] || fail "$name is the second user already"
  operator=$name name=$name.next
  if ! grep -qxF "user $name" "$acl"; then
    {
      printf '\n# Beside %s, for as long as its devices move from one password to the other.\n' "$operator"
      printf 'user %s\n' "$name"
      printf "topic write parking/v1/$operator/+/%s\n" spaces counts passages status acks
      printf "topic read parking/v1/$operator/+/%s\n" orders errors
    } >>"$acl"
  fi
fi

fresh=$(mktemp "$folder/.passwords.XXXXXX")
trap 'rm -f "$fresh" "$fresh.one"' EXIT
awk -F: -v name="$name" '$1 != name' "$passwords" >"$fresh"
if [ "$action" != remove ]; then
  password=$(openssl rand -base64 24 | tr '+/' '-_')
  printf '%s:%s\n' "$name" "$password" >"$fresh.one" # not an argument: everybody on the machine reads those
  mosquitto_passwd -U "$fresh.one"
  cat "$fresh.one" >>"$fresh"
  echo "user $name"
  echo "password $password"
fi
chown --reference="$acl" "$fresh" 2>/dev/null || true
chmod --reference="$acl" "$fresh"
mv "$fresh" "$passwords"

if [ "$action" = remove ] && [[ $name == *.next ]]; then
  awk -v name="$name" '
    /^# Beside / { held = $0; next }
    $0 == "user " name { skipping = 1; held = ""; next }
    skipping && /^topic / { next }
    { skipping = 0; if (held != "") { print held; held = "" } print }' "$acl" >"$acl.fresh"
  chown --reference="$acl" "$acl.fresh" 2>/dev/null || true
  chmod --reference="$acl" "$acl.fresh"
  mv "$acl.fresh" "$acl"
fi

pidfile=/run/mosquitto/mosquitto.pid
[ "$folder" = /etc/mosquitto/berth ] && [ -r "$pidfile" ] && kill -HUP "$(cat "$pidfile")" 2>/dev/null || true
