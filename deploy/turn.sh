#!/bin/sh
# coturn for calls that find no direct way. What it does and refuses stands in turnserver.conf, which
# `python -m signaling.turn` writes (or `teleconsult turn-config`, for addresses and TLS of your own); here it is only
# given its secret.
set -eu
umask 077
{
  cat /deploy/turnserver.conf
  echo "static-auth-secret=$(cat /run/secrets/turn_secret)"
} > /tmp/turnserver.conf
exec turnserver -c /tmp/turnserver.conf
