#!/usr/bin/env bash
# Install this version of the server beside those that are there. Nothing that runs is touched: telephony-switch does that.
#
#   sudo deploy/systemd/install.sh                 as /opt/telephony/VERSION, VERSION as `telephony --version` has it
#   sudo deploy/systemd/install.sh --as 1.2.3-rc1  under another name
#   deploy/systemd/install.sh --root DIR           into an image's tree, without user and systemd
#
# Needs python3 (3.11 to 3.13) with venv, or uv; PYTHON names another interpreter. May be repeated: what is there stays,
# above all the configuration.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source="$(cd "$here/../.." && pwd)"
root="" name=""

fail() {
  printf 'install: %s\n' "$1" >&2
  exit 1
}

while [ "$#" -gt 0 ]; do
  case "$1" in
    --root) root="${2:?--root needs a folder}" && shift 2 ;;
    --as) name="${2:?--as needs a name}" && shift 2 ;;
    *) fail "unknown word '$1'; see the top of $0" ;;
  esac
done
if [ -z "$name" ]; then
  name="$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$source/telephony/version.py" | tr + -)"
fi
[[ "$name" =~ ^[0-9A-Za-z][0-9A-Za-z._-]*$ ]] || fail "'$name' cannot be the name of a version"
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then fail "must be run as root, or with --root DIR"; fi

etc="$root/etc/telephony" version="$root/opt/telephony/$name"

add_user() {
  if ! getent passwd telephony >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/telephony --shell /usr/sbin/nologin telephony
  fi
}

# The version's own environment, with the very releases that it was tested with.
add_version() {
  if [ -e "$version/.complete" ]; then
    echo "install: $version is there already"
    return
  fi
  rm -rf "$version"
  mkdir -p "$version"
  local uv="" own="$etc/requirements.txt"
  uv="$(command -v uv || true)"
  install_into() {
    if [ -n "$uv" ]; then
      UV_COMPILE_BYTECODE="${UV_COMPILE_BYTECODE:-1}" "$uv" pip install --quiet --python "$version" "$@"
    else
      "$version/bin/python" -m pip install --disable-pip-version-check --quiet "$@"
    fi
  }
  if [ -n "$uv" ]; then
    "$uv" venv --quiet --clear --python "${PYTHON:-python3}" "$version"
  else
    "${PYTHON:-python3}" -m venv --clear "$version"
  fi
  install_into --require-hashes --requirement "$source/deploy/requirements.txt"
  install_into --no-deps "$source"
  # What your tools need besides.
  if [ -e "$own" ]; then install_into --requirement "$own"; fi
  "$version/bin/telephony" --version
  touch "$version/.complete"
}

add_configuration() {
  install --directory --mode=0755 "$etc" "$etc/versions"
  install --directory --mode=0700 "$etc/credentials"
  if [ ! -e "$etc/telephony.yaml" ]; then install --mode=0644 "$source/deploy/telephony.yaml" "$etc/telephony.yaml"; fi
  if [ ! -e "$etc/telephony.env" ]; then install --mode=0644 "$source/deploy/env.example" "$etc/telephony.env"; fi
}

add_unit() {
  install -D --mode=0644 "$here/telephony@.service" "$root/etc/systemd/system/telephony@.service"
  install -D --mode=0755 "$here/switch.sh" "$root/usr/local/sbin/telephony-switch"
  install -D --mode=0755 "$here/telephony.sh" "$root/usr/local/sbin/telephony"
  install -D --mode=0644 "$source/deploy/README.md" "$root/usr/local/share/doc/telephony/README.md"
  if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}

umask 022
if [ -z "$root" ]; then add_user; fi
add_configuration
add_version
add_unit
echo "install: $name is installed; telephony-switch $name starts it"
