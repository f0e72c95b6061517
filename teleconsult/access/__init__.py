"""May this actor do this to that: the one place that says so, for pages, sockets, machines and jobs alike.

`permissions` says what a role may do at all; `rows` says to which consults, patients, notes and studies. What state a
consult must be in stands in `consults.states`. The database says the same a second time (`migrations/walls.py`).
"""

from teleconsult.access.permissions import Permission, Purpose, may, purposes_for, require

__all__ = ["Permission", "Purpose", "may", "purposes_for", "require"]
