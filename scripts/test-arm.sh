#!/usr/bin/env bash
# The device package on ARM, without an ARM machine: Debian's Python and the real ARM wheels, run by QEMU's user-mode
# emulation. For each system that a Raspberry Pi may run: results against those of this machine, doctor, device tests.
# Says nothing about speed: emulated code is some fifty times slower, and not evenly so.
#
#   scripts/test-arm.sh [--quick] [SYSTEM...]     systems: bookworm-64 bookworm-64-tflite bookworm-32 trixie-64
#
# --quick leaves the device tests out. Everything is kept in .arm/ (1.5 GB) and made again when this file changes.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly ALL=(bookworm-64 bookworm-64-tflite bookworm-32 trixie-64)
readonly HOME_ARM=$PWD/.arm
# What is not about the processor: programs and their clocks, hundreds of processes that each take seconds here, and the
# memory of a process, which here is the emulator's too.
readonly LEFT_OUT=(--ignore-glob='*/benchmark/test_*'
    --ignore-glob='*/test_machine*' --ignore-glob='*/test_documents*' --ignore-glob='*/test_damaged_models*'
    -k 'not nothing_is_allocated')

main() {
    local quick=""
    if [ "${1-}" = --quick ]; then quick=yes; shift; fi
    check_tools
    mkdir -p "$HOME_ARM"
    if [ $# = 0 ]; then set -- "${ALL[@]}"; fi
    local failed=0 system jobs=()
    for system in "$@"; do
        make_system "$system"
        (test_system "$system" "$quick") > "$HOME_ARM/$system.log" 2>&1 &
        jobs+=("$system:$!")
        # Two at a time: each holds a core.
        if [ ${#jobs[@]} -ge 2 ]; then finish "${jobs[0]}" || failed=1; jobs=("${jobs[@]:1}"); fi
    done
    for system in "${jobs[@]}"; do finish "$system" || failed=1; done
    return $failed
}

check_tools() {
    if command -v qemu-arm-static mmdebstrap > /dev/null; then return; fi
    if [ "$(id -u)" = 0 ] && apt-get update -q > /dev/null && apt-get install -qy --no-install-recommends \
        qemu-user-static mmdebstrap > /dev/null; then return; fi
    echo "test-arm: left out: run: sudo apt-get install --no-install-recommends qemu-user-static mmdebstrap" >&2
    exit 0
}

# Release, Debian's architecture, Python, the runtime, the processor to be (Raspberry Pi 4; 2), the environment here
# that has the same runtime.
describe() {
    case $1 in
        bookworm-64) echo bookworm arm64 3.11 litert cortex-a72 .venv ;;
        bookworm-64-tflite) echo bookworm arm64 3.11 tflite cortex-a72 .venv-tflite ;;
        bookworm-32) echo bookworm armhf 3.11 tflite cortex-a7 .venv-tflite ;;
        trixie-64) echo trixie arm64 3.13 litert cortex-a72 .venv ;;
        *) echo "test-arm: expected one of: ${ALL[*]}; found '$1'" >&2; return 1 ;;
    esac
}

make_system() {
    local release architecture python runtime processor environment folder=$HOME_ARM/$1 packages
    local stamp
    read -r release architecture python runtime processor environment <<< "$(describe "$1")"
    stamp="$(cat "$0" pyproject.toml | sha256sum)"
    if [ "$(cat "$folder/.made" 2> /dev/null)" = "$stamp" ]; then return; fi
    echo "test-arm: making $1"
    rm -rf "$folder"
    mkdir -p "$folder"
    packages=base-files,python3,libstdc++6
    # The package index has no numpy, OpenCV and Pillow for 32-bit ARM; Debian has.
    if [ "$architecture" = armhf ]; then packages+=,python3-numpy,python3-opencv,python3-pil; fi
    mmdebstrap --quiet --variant=extract --architectures="$architecture" --include="$packages" "$release" \
        "$folder/root" "deb http://deb.debian.org/debian $release main"
    rm -rf "$folder/root/usr/share/"{doc,locale,icons,man}
    install_wheels "$folder/site" "$architecture" "$python" "$runtime" "$environment"
    # The path of this Python, for those who start another: without the kernel's help only a script can be run.
    echo 'import os, sys; sys.executable = os.environ["EDGE_DCE_PYTHON"]' > "$folder/site/sitecustomize.py"
    write_processor "$folder/root"
    write_python "$folder" "$architecture" "$python" "$processor"
    echo "$stamp" > "$folder/.made"
}

install_wheels() {
    local site=$1 architecture=$2 python=$3 runtime=$4 pip=("$5/bin/python" -m pip install -qq) minor
    local options=(--no-compile --only-binary :all:)
    local machine=aarch64 requirements=("tqdm>=4.60" "pytest>=8")
    if [ "$architecture" = armhf ]; then machine=armv7l; fi
    options+=(--disable-pip-version-check --python-version "$python" --implementation cp --target "$site")
    # Up to the glibc of bookworm.
    for minor in $(seq 17 36); do options+=(--platform "manylinux_2_${minor}_$machine"); done
    case $machine-$runtime in
        aarch64-litert) requirements+=("ai-edge-litert>=1.2" "pillow>=10.1" "av>=17,<19") ;;
        aarch64-tflite) requirements+=("tflite-runtime==2.14.0" "pillow>=10.1" "av>=17,<19") ;;
        armv7l-tflite)
            # Its dependency numpy is Debian's, which pip does not see.
            "${pip[@]}" "${options[@]}" --no-deps "tflite-runtime==2.14.0" ;;
    esac
    # As scripts/install-pi.sh: bookworm stays with numpy 1.
    case $machine-$python in
        aarch64-3.11) requirements+=("numpy<2" "opencv-python-headless==4.11.0.86") ;;
        aarch64-*) requirements+=("numpy>=2" "opencv-python-headless>=4.7") ;;
    esac
    "${pip[@]}" "${options[@]}" --upgrade "${requirements[@]}"
}

# What LiteRT and its libraries read to count cores; this machine's own would tell of another processor.
write_processor() {
    local root=$1 core
    mkdir -p "$root/proc" "$root/sys/devices/system/cpu"
    for core in 0 1 2 3; do
        printf 'processor\t: %d\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n' $core
        printf 'CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n'
    done > "$root/proc/cpuinfo"
    echo 0-3 | tee "$root/sys/devices/system/cpu/possible" > "$root/sys/devices/system/cpu/present"
}

write_python() {
    local folder=$1 architecture=$2 python=$3 processor=$4 qemu libraries
    case $architecture in
        arm64) qemu="qemu-aarch64-static" ;;
        armhf) qemu="qemu-arm-static" ;;
    esac
    # Debian chooses among its BLAS libraries by links that only an installation makes.
    libraries=$folder/root/usr/lib/arm-linux-gnueabihf
    cat > "$folder/python" << EOF
#!/bin/sh
export EDGE_DCE_PYTHON='$folder/python' PYTHONHOME='$folder/root/usr' PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH='$PWD:$folder/site:$folder/root/usr/lib/python3/dist-packages'
export QEMU_CPU='$processor' QEMU_LD_PREFIX='$folder/root'
export QEMU_SET_ENV='LD_LIBRARY_PATH=$libraries/blas:$libraries/lapack'
exec $qemu '$folder/root/usr/bin/python$python' "\$@"
EOF
    chmod +x "$folder/python"
}

test_system() {
    local release architecture python runtime processor environment folder=$HOME_ARM/$1
    read -r release architecture python runtime processor environment <<< "$(describe "$1")"
    local options=()
    # tflite-runtime's wheel for 32-bit ARM has no XNNPACK.
    if [ "$architecture" = armhf ]; then options+=(--own-kernels); fi
    "$environment/bin/python" tests/arm/agreement.py write "$folder/expected.npz" "${options[@]}"
    "$folder/python" tests/arm/agreement.py compare "$folder/expected.npz"
    "$folder/python" -m edge_dce doctor
    if [ -z "$2" ]; then
        "$folder/python" -m pytest tests/project tests/edge_dce -q -p no:cacheprovider "${LEFT_OUT[@]}"
    fi
}

finish() {
    local system=${1%:*} status=0
    wait "${1#*:}" || status=$?
    echo "== $system: $([ $status = 0 ] && echo passed || echo failed)"
    cat "$HOME_ARM/$system.log"
    return $status
}

main "$@"
