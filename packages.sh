#!/usr/bin/env bash
# Install the Debian packages a purpose needs: `fonts` to print PDFs, `browser` to test pages (and calls over bad lines),
# `peers` to be sent images by other programs, have ours judged by one, relay calls by another, carry them by a third and have notes mailed by Debian's mail servers; and to have what is shipped judged,
# `bench` to be measured beside another archive (Orthanc) and another media server (Janus),
# `judges` to have PDFs judged by another program.
# Where we are not root, name what is missing and go on: only what needs it will fail.
set -euo pipefail

case "${1:-}" in
  fonts) packages=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-liberation fonts-open-sans) ;;
  browser) packages=(chromium iproute2) ;;
  peers) packages=(dcmtk dicom3tools orthanc orthanc-dicomweb coturn janus softhsm2 faketime postfix dovecot-imapd dovecot-lmtpd nginx-light docker-compose) ;;
  bench) packages=(dcmtk orthanc orthanc-dicomweb orthanc-gdcm janus) ;;
  judges) packages=(libpdfbox2-java libactivation-java libjaxb-api-java libbcprov-java libbcmail-java default-jdk-headless poppler-utils mupdf-tools qpdf) ;;
  *) echo "usage: packages.sh fonts|browser|peers|bench|judges" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null || { echo "Not Debian: please install the like of: ${packages[*]}"; exit 0; }
missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "Please install these Debian packages: sudo apt-get install ${missing[*]}" >&2
  exit 0
fi
echo "Installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then # what comes with a service of its own is not started by its installation
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  install -m 755 /dev/stdin /usr/sbin/policy-rc.d <<<$'#!/bin/sh\nexit 101'
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
