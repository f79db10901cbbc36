#!/usr/bin/env bash
# The commands of the version that answers, with what the service has: its user, settings and credentials.
#
#   sudo telephony calls list
#   sudo telephony health --ready
set -euo pipefail

version="$(systemctl list-units --plain --no-legend --full --state=active 'telephony@*.service' |
  sed -n 's/^telephony@\([^ ]*\)\.service .*/\1/p' | tail -n 1)"
if [ -z "$version" ]; then # none answers: the newest that is installed
  version="$(find /opt/telephony -mindepth 2 -maxdepth 2 -name .complete -printf '%h\n' 2>/dev/null | sed 's|.*/||' | sort --version-sort | tail -n 1)"
fi
if [ -z "$version" ]; then
  echo "telephony: no version is installed in /opt/telephony" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "telephony: must be run as root, which then becomes the service's user" >&2
  exit 1
fi
if [ -t 0 ] && [ -t 1 ]; then stream=--pty; else stream=--pipe; fi

exec systemd-run --quiet --wait --collect "$stream" --uid=telephony --gid=telephony \
  --working-directory=/var/lib/telephony \
  --property=EnvironmentFile=/etc/telephony/telephony.env \
  --property=EnvironmentFile=-/etc/telephony/versions/"$version".env \
  --property=LoadCredential=telephony:/etc/telephony/credentials \
  --property=UMask=0077 \
  --setenv=TELEPHONY_CONFIG=/etc/telephony/telephony.yaml --setenv=PYTHONPATH=/etc/telephony \
  --setenv=TERM="${TERM:-dumb}" \
  /opt/telephony/"$version"/bin/telephony "$@"
