"""`teleconsult`: run, serve, worker, hl7, dimse, authority, migrate, import, seed, token, note, audit, backup, restore,
scrub, turn-config, janus-config, local-ca, doctor."""

# ruff: noqa: E402
import argparse
import gc
import os
import sys

gc.disable()  # what is imported is here to stay: to look through it while it comes takes a quarter of a start

from teleconsult.access import Purpose
from teleconsult.settings import SettingsError, load_settings
from web import (
    audit_commands,
    backup_commands,
    commands,
    import_commands,
    janus_commands,
    local_ca_commands,
    running,
    turn_commands,
)

gc.freeze()
gc.enable()


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run one command, return its exit status."""
    os.umask(0o077)  # what we write is nobody else's to read: images, signed notes, keys
    options = _parser().parse_args(arguments)
    try:
        return int(
            options.command(load_settings(keeps_secret=options.command is not backup_commands.bring_back), options)
        )
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="teleconsult", description="Teleconsultation between doctors.")
    verbs = parser.add_subparsers(required=True, metavar="command")

    run = verbs.add_parser("run", help="start everything on this machine: database, web server, worker")
    run.add_argument("--demo", action="store_true", help="seed the demo when the data folder is new")
    run.set_defaults(command=running.run)
    for name, command, does in (
        ("serve", running.serve, "start one web server"),
        ("worker", running.work, "start one worker"),
        ("hl7", running.hear_hl7, "take HL7 v2 messages, at TELECONSULT_MLLP_PORT"),
        ("dimse", running.take_images, "take images by C-STORE, at TELECONSULT_DIMSE_PORT"),
    ):
        part = verbs.add_parser(name, help=does)
        part.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)  # how `run --demo` starts it
        part.set_defaults(command=command)
    verbs.add_parser("authority", help="answer as the demonstration's certificate authority").set_defaults(
        command=running.vouch
    )
    verbs.add_parser("migrate", help="bring the database to this version").set_defaults(
        command=commands.migrate_database
    )

    seed = verbs.add_parser("seed", help="fill an empty installation")
    seed.add_argument("--demo", action="store_true", required=True, help="with the demonstration; never in production")
    seed.set_defaults(command=commands.seed)

    bulk = verbs.add_parser("import", help="file FHIR Bundles of another system, one file a patient or more")
    bulk.add_argument("folder", metavar="DIR")
    bulk.add_argument("--establishment", required=True, metavar="NAME", help="whose patients they are: its name or id")
    bulk.add_argument("--report", metavar="FILE", help="write what was refused, and why, as JSON lines")
    bulk.set_defaults(command=import_commands.import_bundles)

    _add_tokens(verbs)

    note = verbs.add_parser("note", help="signed notes").add_subparsers(required=True, metavar="command")
    verify = note.add_parser("verify", help="check a signed note; 0 = good, 1 = not")
    verify.add_argument("files", metavar="FILE", nargs="+", help="the PDF, or the exported FHIR document, or both")
    verify.add_argument("--standing", action="store_true", help="also ask this installation whether it still counts")
    verify.set_defaults(command=commands.verify_note)
    retry = note.add_parser("retry-evidence", help="try once more the proofs of time that were given up")
    retry.set_defaults(command=commands.retry_evidence)

    audit = verbs.add_parser("audit", help="the audit log").add_subparsers(required=True, metavar="command")
    audit.add_parser("verify", help="recompute the chains; 0 = whole, 1 = broken").set_defaults(
        command=audit_commands.verify_audit
    )
    audit.add_parser("checkpoint", help="sign how far the log is").set_defaults(command=audit_commands.checkpoint)

    backup_commands.add_backups(verbs)
    turn_commands.add_turn_config(verbs)
    janus_commands.add_janus_config(verbs)
    local_ca_commands.add_local_ca(verbs)
    verbs.add_parser("doctor", help="check every configured part").set_defaults(command=commands.doctor)
    return parser


def _add_tokens(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    token = verbs.add_parser("token", help="print a bearer token, or change the key that signs them")
    token.add_argument("--account", metavar="EMAIL", default="", help="whom the machine acts for")
    token.add_argument("--minutes", type=int, default=60, metavar="N", help="how long it is good: a day at most")
    token.add_argument("--role", default="", help="the role it acts in, by code or id; else the one last in force")
    token.add_argument(
        "--purpose",
        action="append",
        default=[],
        choices=[*Purpose],
        help="what it is for; may be given more than once; all where none is given",
    )
    token.set_defaults(command=commands.token)
    rotate = token.add_subparsers(metavar="command").add_parser("rotate", help="sign with a new key from now on")
    rotate.add_argument("--at-once", action="store_true", help="a key leaked: no token made before is good any more")
    rotate.set_defaults(command=commands.rotate_token_keys)


if __name__ == "__main__":
    sys.exit(main())
