#!/usr/bin/env bash
# Install edge-dce on a Raspberry Pi, from this checkout into .venv beside it. Asks nothing but what sudo asks, changes
# nothing outside .venv but by apt, and may be run again at any time.
#
#   scripts/install-pi.sh
#
# VENV=DIR puts the environment elsewhere, PYTHON=PATH builds it on another Python than the system's, which then does
# not see picamera2.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PYTHON=${PYTHON:-/usr/bin/python3}
readonly VENV=${VENV:-.venv}

main() {
    local runtime base='import sys; print(sys.base_prefix)'
    case ${1:-} in
        "") ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' scripts/install-pi.sh; return ;;
        *) fail "expected no arguments, found: $*" ;;
    esac
    # venv over an environment of another Python leaves one that starts neither.
    if [ -x "$VENV/bin/python" ] && [ "$("$VENV/bin/python" -c "$base")" != "$("$PYTHON" -c "$base")" ]; then
        fail "$VENV was made by another Python than $PYTHON; run: rm -r $VENV, or put the new one elsewhere with VENV=DIR"
    fi
    runtime=$("$PYTHON" -c 'import sys; from edge_dce.doctor import wheels; sys.exit(wheels.main())') ||
        fail "use 64-bit Raspberry Pi OS (bookworm or trixie), or 32-bit bookworm"
    echo "install-pi: $runtime for $("$PYTHON" --version)"
    install_system_packages
    # Over an existing environment this only lets it see the system's packages; what pip installed stays.
    "$PYTHON" -m venv --system-site-packages "$VENV"
    install_packages "$runtime"
    echo
    "$VENV/bin/python" -m edge_dce doctor
    echo
    echo "install-pi: done; next: $VENV/bin/edge-dce enhance PHOTO"
}

install_system_packages() {
    local wanted=(python3-venv) missing=() package root=()
    # Only Raspberry Pi OS has it.
    if apt-cache show python3-picamera2 > /dev/null 2>&1; then wanted+=(python3-picamera2); fi
    # The package index has none of these for 32-bit ARM, and building them takes hours.
    if is_32_bit; then wanted+=(python3-numpy python3-opencv python3-pil python3-tqdm); fi
    for package in "${wanted[@]}"; do
        if [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2> /dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} = 0 ]; then return; fi
    if [ "$(id -u)" != 0 ]; then root=(sudo); fi
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" ||
        fail "run: sudo apt-get install ${missing[*]}"
}

install_packages() {
    local pip=("$VENV/bin/python" -m pip install --disable-pip-version-check --quiet) runtime=$1
    if is_32_bit; then
        # Without dependencies: pip does not know the system's OpenCV as the package that it is.
        "${pip[@]}" --no-deps "$runtime" --editable .
    elif is_bookworm; then
        # What apt brings with picamera2 was built against numpy 1, and dies of numpy 2 in the same process.
        "${pip[@]}" "$runtime" "numpy<2" "opencv-python-headless==4.11.0.86" --editable .
    else
        "${pip[@]}" "$runtime" --editable .
    fi
}

is_32_bit() {
    # The kernel does not tell: 32-bit Raspberry Pi OS runs on a 64-bit one.
    "$PYTHON" -c 'import struct, sys; sys.exit(struct.calcsize("P") != 4)'
}

is_bookworm() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'
}

fail() {
    echo "install-pi: error: $1" >&2
    exit 1
}

main "$@"
