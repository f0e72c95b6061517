#!/bin/sh
# Run once by the PostgreSQL image on an empty volume: the owner's role, the app's role, the database.
set -eu
owner_password=$(cat /run/secrets/owner_password)
app_password=$(cat /run/secrets/app_password)
backup_password=$(cat /run/secrets/backup_password)
psql --set ON_ERROR_STOP=1 --username postgres \
  --set owner_password="$owner_password" --set app_password="$app_password" --set backup_password="$backup_password" <<'SQL'
create role teleconsult_owner login nosuperuser nocreatedb nocreaterole nobypassrls password :'owner_password';
create role teleconsult_app login nosuperuser nocreatedb nocreaterole nobypassrls password :'app_password';
create role teleconsult_backup login replication nosuperuser nobypassrls password :'backup_password';
grant execute on function pg_switch_wal() to teleconsult_backup;
create database teleconsult owner teleconsult_owner encoding 'UTF8' template template0;
SQL
