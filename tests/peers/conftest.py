"""Programs of others that run beside the tests, once for each worker."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.peers import orthanc


@pytest.fixture(scope="session")
def running_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[orthanc.Orthanc]:
    if not orthanc.is_installed():
        pytest.skip("Debian's orthanc and orthanc-dicomweb are not installed")
    yield from orthanc.start(tmp_path_factory.mktemp("orthanc"))


@pytest.fixture
async def hospital(running_orthanc: orthanc.Orthanc) -> AsyncIterator[orthanc.Orthanc]:
    """The archive, empty; it knows us by our title."""
    await running_orthanc.empty()
    await running_orthanc.know("teleconsult")
    yield running_orthanc
