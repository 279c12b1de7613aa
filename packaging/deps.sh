#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
#
# Install what is missing from Debian's packages:
#   packaging/deps.sh          to build
#   packaging/deps.sh test     to build and to run all tests
#   packaging/deps.sh vm       to build and to test on other kernels, under QEMU
#   packaging/deps.sh demo     to build and to try it on a sample server
#   packaging/deps.sh bench    to build and to measure what it costs
#   packaging/deps.sh deb      to build the Debian package
set -eu

packages="gcc make clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libncurses-dev
    libmicrohttpd-dev libjansson-dev uthash-dev libcapstone-dev libseccomp-dev pkg-config"
cross="gcc-aarch64-linux-gnu debian-archive-keyring" # and packaging/get-sysroot
case ${1:-build} in
build) ;;
test) packages="$packages libcmocka-dev libuv1-dev python3 python3-pytest tmux prometheus procps
    util-linux systemd git chromium neovim python3-uvloop libbrotli1 libc-ares2 libicu72 libnghttp2-14
    redis-server nginx-light memcached bind9 libclang-rt-dev $cross" ;;
vm) packages="$packages python3 python3-pytest util-linux qemu-system-x86 qemu-system-arm busybox-static kmod
    xz-utils zstd $cross" ;;
demo) command -v node >/dev/null || packages="$packages libuv1-dev" ;;
bench) packages="$packages wrk bpftrace python3" ;;
deb) packages="$packages debhelper dpkg-dev fakeroot git" ;;
*)
    echo "deps.sh: $1: not one of build, test, vm, demo, bench, deb" >&2
    exit 2
    ;;
esac
if [[ ${1:-build} = @(test|vm|bench) ]] && ! command -v npm >/dev/null; then
    packages="$packages npm"
fi

missing=
for package in $packages; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "deps.sh: missing:$missing (run as root to install them)" >&2
    exit 1
fi
echo "  INSTALL $missing"
# The servers among them are for tests that start their own: they are not to run as this machine's.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # a list of names
apt-get -qq install --yes --no-install-recommends $missing >/dev/null
