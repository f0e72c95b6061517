"""A real HL7 v2 client of another house (npm `node-hl7-client`) sends, and understands the answers."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path

from teleconsult.db import Sessions
from teleconsult.hl7v2.listener import Door
from teleconsult.hl7v2.models import Hl7Sender
from tests.teleconsult.hl7v2.conftest import sender  # noqa: F401  (a fixture)
from tests.teleconsult.hl7v2.messages import admission, result

SCRIPT = Path(__file__).with_name("hl7_sender.mjs")


async def test_it_is_answered_message_by_message(sender: Hl7Sender, sessions: Sessions) -> None:  # noqa: F811
    messages = [admission(control="1"), result(control="2"), result(control="2"), result(control="3", number="A-9")]
    async with Door(sessions).opened("127.0.0.1", 0, None) as server:
        port = server.sockets[0].getsockname()[1]
        told = json.dumps({"port": port, "messages": [message.decode() for message in messages]})
        process = await asyncio.create_subprocess_exec("node", str(SCRIPT), told, stdout=PIPE, stderr=PIPE)
        out, errors = await asyncio.wait_for(process.communicate(), 30)
    assert out, errors.decode()
    assert json.loads(out) == [["AA", "1"], ["AA", "2"], ["AA", "2"], ["AE", "3"]]
