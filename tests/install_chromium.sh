#!/bin/sh
# The tests marked "browser" drive a real Chromium. Debian's without a window takes a third of the processor's time, so
# root gets it even where there is another; everybody else only where there is none.
set -eu

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
fi

has_any() {
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

if has_any chromium-headless-shell; then
    exit 0
fi
if has_any chromium chromium-browser google-chrome google-chrome-stable; then
    if [ -n "$as_root" ] || ! has_any apt-get; then
        exit 0
    fi
    apt-get install -y -q --no-install-recommends chromium-headless-shell >/dev/null 2>&1 || true
    exit 0
fi

if ! has_any apt-get; then
    echo "The browser tests need Chromium or Chrome, and there is no apt-get to install it with: please install one." >&2
    exit 1
fi
if [ -n "$as_root" ] && ! has_any sudo; then
    echo "The browser tests need Chromium: please run \"apt-get install chromium\" as root." >&2
    exit 1
fi

echo "Installing Chromium for the browser tests ..."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
$as_root apt-get install -y -q --no-install-recommends chromium-headless-shell ||
    $as_root apt-get install -y -q --no-install-recommends chromium
