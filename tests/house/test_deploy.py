"""What is shipped to run it: names that exist, files that their programs take, containers that may little."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from teleconsult.settings import Settings
from tests.certificates import make_certificate
from tests.house.test_layout import ROOT
from web.app import make_app

DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\b(?:teleconsult|process|python)_[a-z_]+\b")
ASKED_BY_PROMETHEUS = {"up"}
COMPOSE_SCHEMA = Path("/usr/lib/python3/dist-packages/compose/config/compose_spec.json")


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def read(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.rglob("*") if path.is_file()]


def expressions() -> Iterator[str]:
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "action"} <= rule["annotations"].keys(), rule["alert"]
            yield rule["expr"]
    for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_what_is_watched_is_measured(settings: Settings) -> None:
    make_app(settings)  # registers what it measures
    measured = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    measured |= {metric.name for metric in REGISTRY.collect()}
    found = list(expressions())
    named = {name for expression in found for name in METRIC.findall(expression)}
    assert named <= measured
    ours = {name for name in measured if name.startswith("teleconsult_")}
    assert ours <= named, "what we measure is on the dashboard or in a rule"
    assert all(METRIC.search(expression) or "up{" in expression for expression in found)


NEEDS: dict[str, list[str]] = {"coturn": ["NET_BIND_SERVICE"]}
"""Capabilities that are given back, and to whom."""


@pytest.mark.parametrize("name", services())
def test_every_container_may_little_and_says_how_it_is(name: str) -> None:
    service = services()[name]
    assert (
        set(service["healthcheck"]) >= {"test", "interval", "timeout", "retries"} or "disable" in service["healthcheck"]
    )
    assert service["healthcheck"].get("disable", False) is (name == "migrate"), "one that ends says so itself"
    assert service["user"] not in ("root", "0", "0:0")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == NEEDS.get(name, [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service and "latest" not in service["image"]
    tag = service["image"].partition(":")[2]
    assert re.match(r"\d+\.\d+", tag), "a version, not what is newest today"
    secret = [
        key for key in service.get("environment", {}) if re.search("PASSWORD|SECRET|DATABASE_URL|OBJECTS_URL", key)
    ]
    assert all(key.endswith("_FILE") for key in secret)
    told = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(service.get("secrets", [])) <= told["secrets"].keys()
    assert all("file" in one for one in told["secrets"].values())


def test_our_own_images_are_nobody_important() -> None:
    for image in ("Dockerfile", "deploy/janus/Dockerfile"):
        assert re.search(r"^USER (?!root)", (ROOT / image).read_text(), re.MULTILINE), image


def test_each_server_has_a_name_that_the_proxy_knows() -> None:
    conf = (DEPLOY / "nginx.conf").read_text()
    servers = {
        name: one["environment"]["TELECONSULT_PROCESS"] for name, one in services().items() if name[:4] == "app-"
    }
    assert len(servers) > 1
    for host, process in servers.items():
        assert re.search(rf"upstream {process} {{ server {host}:8080; }}", conf)
        assert re.search(rf"map \$arg_process \$serving {{.*\b{process} {process};", conf)
        assert re.search(rf"upstream any {{[^}}]*server {host}:8080 ", conf)


def test_roles_and_secrets_are_those_of_the_composition() -> None:
    told = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["secrets"]
    named = set(re.findall(r"/run/secrets/(\w+)", "".join(read(DEPLOY))))
    assert named <= told.keys()
    operations = (ROOT / "docs" / "operations.md").read_text()
    assert all(re.search(rf"\b{name}\b", operations) for name in told), "how each is made is said"


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not here")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    made = make_certificate(tmp_path / "tls")
    conf = (DEPLOY / "nginx.conf").read_text()
    conf = re.sub(r"app-\d+:8080", "127.0.0.1:8080", conf)
    conf = conf.replace("/run/secrets/tls_cert", str(made.certificate)).replace("/run/secrets/tls_key", str(made.key))
    (tmp_path / "nginx.conf").write_text(conf)
    done = subprocess.run(
        ["nginx", "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not COMPOSE_SCHEMA.exists(), reason="Debian's docker-compose, which has the schema, is not here")
def test_the_file_stands_the_published_schema() -> None:
    """That of the Compose specification, as Debian's docker-compose has it, looked at by what came with it; and it does
    find what is wrong.
    """
    script = """if True:
        import json, sys, jsonschema, yaml
        schema = json.load(open(sys.argv[1]))
        told = yaml.safe_load(open(sys.argv[2]))
        jsonschema.validate(told, schema)
        told["services"]["nginx"]["read_only"] = "perhaps"
        try:
            jsonschema.validate(told, schema)
        except jsonschema.ValidationError as error:
            print(list(error.path))
    """
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, COMPOSE_SCHEMA, ROOT / "docker-compose.yml"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "['services', 'nginx', 'read_only']"), done.stderr[-2000:]


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not here")
def test_docker_compose_takes_its_file() -> None:
    told = {
        "TELECONSULT_PUBLIC_URL": "https://tele.example",
        "TELECONSULT_TURN_URL": "turn:tele.example:3478",
        "TELECONSULT_MEDIA_HOST": "192.0.2.1",
    }
    done = subprocess.run(
        ["docker-compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
