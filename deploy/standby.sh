#!/bin/sh
# The standby: a copy of the database that is fed by it. Begun once, from a base backup; afterwards it goes on where it was.
set -eu
umask 077
export PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=$(cat /run/secrets/standby_password)
  pg_basebackup --pgdata "$PGDATA" --write-recovery-conf --wal-method stream --create-slot --slot standby --checkpoint fast \
    --dbname "host=postgres user=teleconsult_standby application_name=standby password=$password"
fi
exec postgres -c hba_file=/etc/teleconsult/pg_hba.conf -c max_slot_wal_keep_size=4GB
