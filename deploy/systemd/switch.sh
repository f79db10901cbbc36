#!/usr/bin/env bash
# Let an installed version answer the telephone in place of the one that does; forwards or back.
#
#   sudo telephony-switch 1.2.3     start it, wait until it answers, then let the other one's calls end
#   sudo telephony-switch           what there is
#
# Both versions share the port meanwhile. If the new one does not start, the old one answers as before.
set -euo pipefail

first_port=9464
etc=/etc/telephony

fail() {
  printf 'telephony-switch: %s\n' "$1" >&2
  exit 1
}

versions() { # those that run, or stop, or are about to
  systemctl list-units --plain --no-legend --full --state=active,activating,deactivating,reloading 'telephony@*.service' |
    sed -n 's/^telephony@\([^ ]*\)\.service .*/\1/p'
}

# The lowest internal port that no other version uses.
free_internal_port() {
  local port="$first_port" version used=""
  for version in $(versions); do
    if [ "$version" != "$1" ] && [ -e "$etc/versions/$version.env" ]; then
      used+=" $(sed -n 's/^TELEPHONY_INTERNAL_PORT=//p' "$etc/versions/$version.env") "
    fi
  done
  while [[ "$used" == *" $port "* ]]; do port=$((port + 1)); done
  echo "$port"
}

if [ "$#" -eq 0 ]; then
  find /opt/telephony -mindepth 2 -maxdepth 2 -name .complete -printf '%h\n' 2>/dev/null | sed 's|.*/||' | sort --version-sort
  systemctl list-units --plain --no-legend --full --all 'telephony@*.service'
  exit 0
fi

new="$1"
[ "$(id -u)" -eq 0 ] || fail "must be run as root"
[ -e "/opt/telephony/$new/.complete" ] || fail "$new is not installed; without a name this lists what is"

# A version whose calls are ending cannot be started again before they have; it runs under another name meanwhile.
try=2 version="$new"
while [ "$(systemctl is-active "telephony@$new.service")" = deactivating ]; do
  new="$version-again$try" try=$((try + 1))
  ln --symbolic --force --no-dereference "$version" "/opt/telephony/$new"
done

if ! systemctl --quiet is-active "telephony@$new.service"; then
  printf 'TELEPHONY_INTERNAL_PORT=%s\n' "$(free_internal_port "$new")" >"$etc/versions/$new.env"
  systemctl reset-failed "telephony@$new.service" 2>/dev/null || true
  # A notify unit is started when it has said that it answers.
  if ! systemctl start "telephony@$new.service"; then
    systemctl stop "telephony@$new.service" || true
    journalctl --unit="telephony@$new.service" --lines=20 --no-pager >&2 || true
    fail "$new did not start; whatever answered before still does"
  fi
fi
systemctl --quiet enable "telephony@$new.service"

for old in $(versions); do
  if [ "$old" != "$new" ]; then
    systemctl --quiet disable "telephony@$old.service"
    systemctl stop --no-block "telephony@$old.service"
    echo "telephony-switch: $old takes no new calls and ends with its last one"
  fi
done
echo "telephony-switch: $new answers"
