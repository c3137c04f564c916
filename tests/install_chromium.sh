#!/bin/sh
# The tests marked "browser" drive a real Chromium. Quiet where there is one, otherwise installs Debian's.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "The browser tests need Chromium or Chrome, and there is no apt-get to install it with: please install one." >&2
    exit 1
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "The browser tests need Chromium: please run \"apt-get install chromium\" as root." >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "Installing Chromium for the browser tests ..."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
$as_root apt-get install -y -q --no-install-recommends chromium
