#!/bin/sh
# Run once by the PostgreSQL image on an empty volume: the owner's role, the app's role, the database.
set -eu
owner_password=$(cat /run/secrets/owner_password)
app_password=$(cat /run/secrets/app_password)
backup_password=$(cat /run/secrets/backup_password)
standby_password=$(cat /run/secrets/standby_password)
psql --set ON_ERROR_STOP=1 --username postgres \
  --set owner_password="$owner_password" --set app_password="$app_password" --set backup_password="$backup_password" \
  --set standby_password="$standby_password" <<'SQL'
create role teleconsult_owner login nosuperuser nocreatedb nocreaterole nobypassrls password :'owner_password';
create role teleconsult_app login nosuperuser nocreatedb nocreaterole nobypassrls password :'app_password';
create role teleconsult_backup login replication nosuperuser nobypassrls password :'backup_password';
create role teleconsult_standby login replication nosuperuser nobypassrls password :'standby_password';
grant execute on function pg_switch_wal() to teleconsult_backup;
create database teleconsult owner teleconsult_owner encoding 'UTF8' template template0;
-- From the next start on an answered commit is on the standby too; nothing is answered while there is none.
alter system set synchronous_standby_names = 'standby';
SQL
