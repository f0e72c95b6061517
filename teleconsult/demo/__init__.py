"""The demonstration: four establishments, their people, patients with a file worth reading. Never in production."""

from teleconsult.demo.people import ACCOUNTS, PASSWORD
from teleconsult.demo.seeding import seed_demo

__all__ = ["ACCOUNTS", "PASSWORD", "seed_demo"]
