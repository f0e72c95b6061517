"""One address does not have all of the checking."""

from contextlib import ExitStack

import pytest

from teleconsult.errors import TooMany
from teleconsult.notes.shares import Shares


def test_some_of_the_places_and_so_many_in_a_while() -> None:
    moment = 0.0
    shares = Shares(at_once=2, each=3, window=60, clock=lambda: moment)
    with ExitStack() as under_way:
        for _place in range(2):
            under_way.enter_context(shares.taken("192.0.2.7"))
        with pytest.raises(TooMany), shares.taken("192.0.2.7"):
            pass
        with shares.taken("192.0.2.8"):
            pass
    moment = 10
    with shares.taken("192.0.2.7"):
        pass
    with pytest.raises(TooMany) as full, shares.taken("192.0.2.7"):
        pass
    assert full.value.retry_after == 50
    moment = 60.5
    with shares.taken("192.0.2.7"):
        pass


def test_a_network_of_ipv6_is_one() -> None:
    shares = Shares(each=1)
    with shares.taken("2001:db8::1"):
        pass
    with pytest.raises(TooMany), shares.taken("2001:db8::ffff"):
        pass
    for other in ("2001:db8:0:1::1", "unknown"):
        with shares.taken(other):
            pass
