"""What the hub says about itself in /openapi.json, held against what it does: no answer that is not described, none that
has another shape, and none that is a fault. Schemathesis makes the requests, good ones and others.
"""

import asyncio
import os
from collections.abc import Generator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from protocol.rest import ENDPOINTS
from protocol.schema import openapi
from tests.conftest import _database
from tests.hub import Hub, child

load_all_checks()
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "negative_data_rejection",
        "use_after_free",
        "ignored_auth",
    ]
)
described = schemathesis.openapi.from_dict(openapi())


@pytest.fixture(scope="module")
def hub(cluster: str, migrated: str) -> Generator[Hub]:
    """A process of its own; Schemathesis asks it as a program that waits for each answer."""
    with _database(cluster, template=migrated) as url, asyncio.Runner() as runner:
        starting = child(url, None, TUTORHUB_DEV_SIGN_IN="1")
        try:
            yield runner.run(starting.__aenter__()).hub
        finally:
            runner.run(starting.__aexit__(None, None, None))


@described.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_described_is_what_is_done(hub: Hub, case: schemathesis.Case) -> None:
    case.call_and_validate(base_url=hub.url, headers=hub.headers("schemathesis"), checks=CHECKED, timeout=10)
