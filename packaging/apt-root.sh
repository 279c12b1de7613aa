# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
# shellcheck shell=bash
#
# For scripts that source it: packages of another suite or architecture of Debian, by an apt of their own.
# The machine's apt is left as it is, and tells where the archive is.

# apt_site LABEL: the archive of that name, as the machine's apt knows it.
apt_site() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' |
        awk -v label="$1" '$1 == label { site = $2 } END { print site }'
}

# apt_root FOLDER LABEL SUITE ARCH: from now on apt means that. Status 1, and the reason on stdout, if it cannot be.
apt_root() {
    local root=$1 label=$2 suite=$3 arch=$4 site
    site=$(apt_site "$label")
    if [ -z "$site" ] && [ "$(id -u)" = 0 ]; then # a machine that has thrown its lists away
        timeout 180 apt-get -qq update >&2 || true
        site=$(apt_site "$label")
    fi
    if [ -z "$site" ]; then
        echo "apt has no source of $label, which would tell where $suite is"
        return 1
    fi
    mkdir -p "$root"/lists/partial "$root"/cache/archives/partial
    : >"$root/status"
    echo "deb [arch=$arch signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main" \
        >"$root/sources.list"
    cat >"$root/apt.conf" <<END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
Dir::State "$root";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Dir::Etc::SourceList "$root/sources.list";
Dir::Etc::SourceParts "-";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Sandbox::User "root";
END
    export APT_CONFIG=$root/apt.conf
    if ! timeout 180 apt-get -qq update 2>"$root/update.err"; then
        echo "apt-get update of $suite: $(head -n 1 "$root/update.err")"
        return 1
    fi
}
