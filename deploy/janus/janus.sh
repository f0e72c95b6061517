#!/bin/sh
# Janus for the media of calls; here it is only given its secret, and the address that is handed on to it.
set -eu
umask 077
mkdir -p /tmp/janus
secret=$(cat /run/secrets/janus_secret)
for file in /deploy/*.jcfg; do
  sed -e "s|@SECRET@|$secret|" -e "s|ice_lite = true|nat_1_1_mapping = \"$MEDIA_HOST\"|" "$file" > "/tmp/janus/${file##*/}"
done
exec janus -F /tmp/janus
