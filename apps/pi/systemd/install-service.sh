#!/bin/sh
# Make the camera script beside this file a service that starts with the machine, or take it away again.
#
#   sudo apps/pi/systemd/install-service.sh               install, or update after `git pull`; settings and token are kept
#   sudo apps/pi/systemd/install-service.sh --uninstall   stop and remove the service; settings, token and pictures are kept
#
# --python PATH chooses another Python than .venv/bin/python of the checkout, or than that of the environment in which
# pip installed this file. Settings are in /etc/edge-dce/pi.toml.
# DESTDIR=DIR installs under DIR and leaves systemd alone.
set -eu

unit=edge-dce-pi.service
# The packages lie in a checkout, or in an environment's lib/python3.x/site-packages and have another name there.
package=$(basename "$(cd "$(dirname "$0")/../.." && pwd)")
checkout=$(cd "$(dirname "$0")/../../.." && pwd)
python=$checkout/.venv/bin/python
if [ "$package" != apps ]; then
    python=$(cd "$checkout/../../.." && pwd)/bin/python
fi
destination=${DESTDIR:-}
action=install

fail() {
    echo "install-service: error: $1" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --uninstall) action=uninstall ;;
    --python)
        [ $# -ge 2 ] || fail "--python needs a path"
        python=$2
        shift
        ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) fail "expected --uninstall or --python PATH, found '$1'" ;;
    esac
    shift
done

# Without systemd running, as in a container or an image being built, files are all there is to do.
if [ -z "$destination" ] && [ -d /run/systemd/system ]; then
    has_systemd=yes
else
    has_systemd=no
fi
[ -n "$destination" ] || [ "$(id -u)" = 0 ] || fail "must be root: sudo $0"

units=$destination/etc/systemd/system
settings=$destination/etc/edge-dce

if [ "$action" = uninstall ]; then
    [ $has_systemd = no ] || systemctl disable --now --quiet $unit 2>/dev/null || true
    rm -f "$units/$unit"
    [ $has_systemd = no ] || systemctl daemon-reload
    echo "removed; kept: $settings and /var/lib/edge-dce"
    exit 0
fi

[ -x "$python" ] || fail "$python: no such program; make the environment first (docs/pi.md), or pass --python PATH"
(cd "$checkout" && "$python" -m "$package.pi" --version >/dev/null) || fail "$python cannot run the script; see above"
# The service's user is nobody in particular, and home folders are often closed to others.
if [ -z "$destination" ] && command -v setpriv >/dev/null; then
    # shellcheck disable=SC2016
    setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'cd "$1" && test -x "$2" && test -r "$3/pi/program.py"' \
        - "$checkout" "$python" "$package" 2>/dev/null ||
        fail "$checkout: other users may not read it; move the checkout to /opt/edge-dce, or: chmod o+x $(dirname "$checkout")"
fi

mkdir -p "$units" "$settings"
if [ ! -e "$settings/pi.toml" ]; then
    cat >"$settings/pi.toml" <<'TOML'
# Any flag of `edge-dce live --help`. After a change: sudo systemctl restart edge-dce-pi
# (model and strength alone: sudo systemctl reload edge-dce-pi, which no viewer notices).

# Watched from this machine only; ":8000" lets everybody in who knows the token.
http = "127.0.0.1:8000"

#source = "picamera2"
#size = "1280x720"
#auto = true
#stills = "/var/lib/edge-dce/stills"
#every = "1m"
#keep = "7d"
TOML
    chmod 644 "$settings/pi.toml"
fi
if [ ! -e "$settings/token" ]; then
    (umask 077 && "$python" -c 'import secrets; print(secrets.token_urlsafe(24))' >"$settings/token.new")
    mv "$settings/token.new" "$settings/token"
fi

sed -e "s|/opt/edge-dce/.venv/bin/python|$python|g" -e "s|/opt/edge-dce|$checkout|g" \
    -e "s|-m apps.pi|-m $package.pi|" "$checkout/$package/pi/systemd/$unit" >"$units/$unit.new"
mv "$units/$unit.new" "$units/$unit"

if [ $has_systemd = yes ]; then
    systemctl daemon-reload
    systemctl enable --quiet $unit
    systemctl restart $unit
    echo "started; watch it with: journalctl -fu $unit"
fi
echo "settings: $settings/pi.toml   token: sudo cat $settings/token"
