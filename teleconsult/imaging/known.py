"""Which objects of a lot the establishment holds already, and whether one that comes again is the same."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import ARRAY, LargeBinary, Text, Uuid, bindparam, column, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.imaging.digests import data_set_digest
from teleconsult.imaging.refusals import Refusal
from teleconsult.objects import Objects

if TYPE_CHECKING:
    from teleconsult.imaging.actions import Instance

_HELD: Final = (
    *(column("sop_instance_uid", Text), column("sha256", LargeBinary), column("data_set_sha256", LargeBinary)),
    *(column("transfer_syntax_uid", Text), column("object_key", Text)),
)
HELD_OBJECTS: Final = select(
    func.held_objects(bindparam("house", type_=Uuid), bindparam("uids", type_=ARRAY(Text))).table_valued(*_HELD)
)


@dataclass(frozen=True, slots=True)
class _Object:
    sha256: bytes
    data_set_sha256: bytes | None
    transfer_syntax_uid: str
    object_key: str


class Known:
    """By SOP Instance UID, in whatever study; those of the lot that were added join in."""

    def __init__(self, objects: Objects, held: dict[str, _Object]) -> None:
        self._objects, self._held = objects, held

    @classmethod
    async def of(
        cls, session: AsyncSession, organization_id: uuid.UUID, instances: Sequence["Instance"], objects: Objects
    ) -> Self:
        """What the establishment holds of these."""
        uids = list({instance.header.sop_instance_uid for instance in instances})
        held = await session.execute(HELD_OBJECTS, {"house": organization_id, "uids": uids})
        return cls.told(objects, held)

    @classmethod
    def told(cls, objects: Objects, rows: Iterable[Sequence[Any]]) -> Self:
        """What `HELD_OBJECTS` found."""
        return cls(objects, {row[0]: _Object(*row[1:]) for row in rows})

    def __contains__(self, instance: "Instance") -> bool:
        return instance.header.sop_instance_uid in self._held

    def add(self, instance: "Instance") -> None:
        """It is here from now on."""
        header = instance.header
        self._held[header.sop_instance_uid] = _Object(
            instance.sha256, None, header.transfer_syntax_uid, instance.object_key
        )

    async def refusal_of(self, instance: "Instance") -> Refusal | None:
        """None where it is the one that is here: the same data set in the same transfer syntax, whatever file meta
        information its door put before it: then both files are read. Where the stored file was lost, the one that came
        takes its place.
        """
        held = self._held[instance.header.sop_instance_uid]
        if held.sha256 == instance.sha256:
            if await self._objects.size_of(held.object_key) is None:
                await self._objects.copy(instance.object_key, held.object_key)
            return None
        if held.transfer_syntax_uid != instance.header.transfer_syntax_uid:
            return Refusal.OTHER_BYTES
        digest = held.data_set_sha256 or await data_set_digest(self._objects, held.object_key)
        own = await data_set_digest(self._objects, instance.object_key)
        return None if digest == own else Refusal.OTHER_BYTES
