#!/usr/bin/env bash
# Build the container's image from apps/pi/container/Dockerfile and run it, without Docker and without a registry: bare
# Debian with Debian's Python stands in for the image that the Dockerfile begins with, and buildah follows its steps.
#
#   scripts/check-container.sh
#
# For arm64, of which no step can be run here, pip says whether every package has a wheel. Needs root and about 2 GB in
# out/container, where the stand-in is kept for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly FOLDER=apps/pi/container HOME_CONTAINER=$PWD/out/container
readonly DOCKERFILE=$FOLDER/Dockerfile
readonly PHOTO=docs/pictures/night-launch.jpg TOKEN=correct-horse-battery
# As the Dockerfile's first line names it, such as python:3.13-slim-trixie.
BASE=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$DOCKERFILE" | head -n 1)
readonly BASE
# Without namespaces, which a container that this runs in may not make.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs

main() {
    check_tools
    mkdir -p "$HOME_CONTAINER"
    make_base
    echo "check-container: building"
    run_buildah bud --quiet --format docker --pull-never --file "$DOCKERFILE" --ignorefile "$DOCKERFILE.dockerignore" \
        --tag edge-dce . > /dev/null
    # The one before.
    run_buildah rmi --prune > /dev/null
    trap 'run_buildah rm --all > /dev/null' EXIT
    run_buildah from --pull-never --name check edge-dce > /dev/null
    check_user
    check_pictures
    check_server live --source synthetic --size 320x180
    check_server web
    check_arm64
    echo "check-container: passed"
}

check_tools() {
    if [ "$(id -u)" != 0 ]; then echo "check-container: left out: needs root" >&2; exit 0; fi
    if command -v buildah > /dev/null && command -v mmdebstrap > /dev/null; then return; fi
    apt-get update -q > /dev/null
    apt-get install -qy --no-install-recommends buildah mmdebstrap > /dev/null
}

run_buildah() { buildah --root "$HOME_CONTAINER/store" --runroot "$HOME_CONTAINER/run" "$@"; }

run_inside() { run_buildah run check -- "$@"; }

make_base() {
    local root=$HOME_CONTAINER/root release=${BASE##*-}
    if run_buildah inspect --type image "docker.io/library/$BASE" > /dev/null 2>&1; then return; fi
    echo "check-container: making a stand-in for $BASE"
    rm -rf "$root"
    mmdebstrap --quiet --variant=minbase --include=python3-venv,ca-certificates "$release" "$root" \
        "deb http://deb.debian.org/debian $release main"
    ln -s /usr/bin/python3 "$root/usr/local/bin/python"
    # How this machine reaches the package index.
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/"; fi
    printf 'FROM scratch\nCOPY . /\n' | run_buildah bud --quiet --file - --tag "docker.io/library/$BASE" "$root" > /dev/null
    rm -rf "$root"
}

# Nobody of note, in the group that owns cameras, who can write to /data and not to the program.
check_user() {
    run_inside sh -c 'test "$(id -un)" = edge-dce && id -Gn | grep -qw video && touch /data/written && rm /data/written'
    if run_inside touch /opt/edge-dce/written 2> /dev/null; then fail "the program can be written to"; fi
    echo "check-container: $(run_inside id), program $(run_inside du -sm /opt/edge-dce | cut -f 1) MB"
}

check_pictures() {
    run_inside edge-dce doctor
    run_inside edge-dce enhance - -o - < "$PHOTO" > "$HOME_CONTAINER/enhanced.png"
    if [ "$(head -c 4 "$HOME_CONTAINER/enhanced.png" | tail -c 3)" != PNG ]; then fail "edge-dce enhance wrote no PNG"; fi
}

# A container of compose.yaml is healthy while its server runs, by the image's own check.
check_server() {
    local health
    health=$(read_health)
    run_inside env EDGE_DCE_PI_TOKEN="$TOKEN" sh -c '
        health=$1; shift
        if eval "$health" 2> /dev/null; then echo "port 8000 is taken"; exit 1; fi
        edge-dce "$@" --http :8000 & server=$!
        tries=0
        until eval "$health" 2> /dev/null; do
            tries=$((tries + 1)); if [ $tries = 30 ] || ! kill -0 $server; then exit 1; fi
            sleep 1
        done
        kill $server; wait $server
        ! eval "$health" 2> /dev/null
    ' check "$health" "$@" || fail "edge-dce $1 is not healthy"
    echo "check-container: edge-dce $1 is healthy, and not once it has ended"
}

# The command of the image's health check, as one for a shell.
read_health() {
    run_buildah inspect --type image edge-dce | .venv/bin/python -c 'import json, shlex, sys
image = json.load(sys.stdin)["Docker"]["config"]
print(shlex.join(image["Healthcheck"]["Test"][1:]))'
}

check_arm64() {
    local platforms=() minor python
    python=$(run_inside python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    for minor in $(seq 17 41); do platforms+=(--platform "manylinux_2_${minor}_aarch64"); done
    .venv/bin/python -m pip install -qq --disable-pip-version-check --dry-run --ignore-installed \
        --target "$HOME_CONTAINER/arm64" --only-binary :all: --implementation cp --python-version "$python" \
        "${platforms[@]}" '.[pi]'
    echo "check-container: every package has a wheel for arm64 and Python $python"
}

fail() {
    echo "check-container: error: $1" >&2
    exit 1
}

main "$@"
