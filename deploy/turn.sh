#!/bin/sh
# coturn for calls that find no direct way. It relays media between people, never into our own networks:
# every private, loopback, link-local, mapped and documentation range is refused, in IPv4 and in IPv6.
set -eu
exec turnserver --log-file=stdout --no-cli --fingerprint --realm=teleconsult \
  --use-auth-secret --static-auth-secret="$(cat /run/secrets/turn_secret)" \
  --no-multicast-peers --no-tcp-relay --stale-nonce=600 \
  --user-quota=12 --total-quota=1200 --max-bps=400000 \
  --min-port=49160 --max-port=49400 \
  --denied-peer-ip=0.0.0.0-0.255.255.255 --denied-peer-ip=10.0.0.0-10.255.255.255 \
  --denied-peer-ip=100.64.0.0-100.127.255.255 --denied-peer-ip=127.0.0.0-127.255.255.255 \
  --denied-peer-ip=169.254.0.0-169.254.255.255 --denied-peer-ip=172.16.0.0-172.31.255.255 \
  --denied-peer-ip=192.0.0.0-192.0.0.255 --denied-peer-ip=192.0.2.0-192.0.2.255 \
  --denied-peer-ip=192.88.99.0-192.88.99.255 --denied-peer-ip=192.168.0.0-192.168.255.255 \
  --denied-peer-ip=198.18.0.0-198.19.255.255 --denied-peer-ip=198.51.100.0-198.51.100.255 \
  --denied-peer-ip=203.0.113.0-203.0.113.255 --denied-peer-ip=240.0.0.0-255.255.255.255 \
  --denied-peer-ip=::-::ffff:ffff:ffff --denied-peer-ip=64:ff9b::-64:ff9b::ffff:ffff \
  --denied-peer-ip=100::-100::ffff:ffff:ffff:ffff --denied-peer-ip=2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff \
  --denied-peer-ip=2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
  --denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
  --denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
