"""Write the first revision anew from the schema, as long as nothing has been released: `python tools/write_migration.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext

from telpher.store.schema import job_transitions, metadata, say_conditions_to_postgresql

TARGET = Path(__file__).parents[1] / "src/telpher/store/migrations/versions/0001_first_tables.py"

HEADER = '''"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Which state of a job may follow which.
_JOB_TRANSITIONS = {transitions}


def upgrade() -> None:  # noqa: PLR0915 - a statement for each table
    """Build every table of the first release."""
'''

FOOTER = """
    for statement in _JOB_TRANSITIONS[op.get_bind().dialect.name]:
        op.execute(statement)
"""


def main() -> None:
    """Render the difference between nothing and the schema."""
    say_conditions_to_postgresql()
    with sa.create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection)
        script = produce_migrations(context, metadata)
        body = render_python_code(script.upgrade_ops)
    lines = [line for line in body.splitlines() if not line.strip().startswith("#")]
    text = HEADER.format(transitions=_written({name: job_transitions(name) for name in ("sqlite", "postgresql")}))
    text += "\n".join(lines) + FOOTER
    TARGET.write_text(text)
    for arguments in (["format"], ["check", "--fix", "--quiet"]):
        subprocess.run([Path(sys.executable).parent / "ruff", *arguments, TARGET], check=True)  # noqa: S603 - our own words


def _written(statements: dict[str, tuple[str, ...]]) -> str:
    """As the schema's own source has it: strings over several lines."""
    quotes = '"' * 3
    lines = []
    for name, ones in statements.items():
        lines += [f'"{name}": (', *(f"{quotes}{one}{quotes}," for one in ones), "),"]
    return "\n".join(["{", *lines, "}"])


if __name__ == "__main__":
    main()
