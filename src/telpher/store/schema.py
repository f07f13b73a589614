"""Every table, in one place: what the migrations build, held to it by a test.

A table belongs to one room, which alone writes it; the comment above it says which. Times are integers: milliseconds since 1970, UTC.
States are constrained here, so that no code can store one that does not exist.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
