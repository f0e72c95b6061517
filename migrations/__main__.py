"""`python -m migrations "What changes"`: write a migration from what the models say beyond the last one."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from migrations import alembic_config, migrate
from teleconsult.embedded import embedded_postgresql


def main() -> int:
    """Migrate a throwaway database, compare it with the models, write the next file under `versions/`."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        config = alembic_config(urls.owner)
        head = ScriptDirectory.from_config(config).get_current_head() or "0"
        command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=f"{int(head) + 1:04}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
