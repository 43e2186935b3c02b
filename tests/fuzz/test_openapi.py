"""What the hub says about itself in /openapi.json, held against what it does: no answer that is not described, none of
another shape, and none that is a fault. Schemathesis makes the requests, good ones and others.
"""

import asyncio
import os
from collections.abc import Generator
from typing import Any, cast
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks

from protocol.schema import openapi
from tests.conftest import _database
from tests.fuzz.verdict import BUSY_ANSWER
from tests.hub import Hub, child

checks.load_all_checks()
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
registry: Any = cast("Any", checks).CHECKS
CHECKED = registry.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "negative_data_rejection",
        "use_after_free",
        "ignored_auth",
    ]
)
described: Any = schemathesis.openapi.from_dict(openapi())
OPERATIONS: list[Any] = [found.ok() for found in described.get_all_operations()]
LEAVING = {"/api/me", "/auth/sign-out"}
"""Who asks for these can ask for nothing after it."""
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]


@pytest.fixture(scope="module")
def hub(cluster: str, migrated: str) -> Generator[Hub]:
    """A process of its own; Schemathesis asks it as a program that waits for each answer."""
    with _database(cluster, template=migrated) as url, asyncio.Runner() as runner:
        starting = child(url, None, TUTORHUB_DEV_SIGN_IN="1")
        try:
            yield runner.run(starting.__aenter__()).hub
        finally:
            runner.run(starting.__aexit__(None, None, None))


def is_no_fault(_: Any, response: Any, case: Any) -> None:
    """A machine that is busy may make the hub say "not now", as it is described; nothing else is the hub's fault."""
    assert response.status_code < 500 or response.json()["code"] == BUSY_ANSWER, (case, response.text)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_what_is_described_is_what_is_done(hub: Hub, operation: Any) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
    @given(case=operation.as_strategy())
    def done(case: Any) -> None:
        user = f"leaver {uuid4()}" if operation.path in LEAVING else "schemathesis"
        case.call_and_validate(base_url=hub.url, headers=hub.headers(user), checks=[*CHECKED, is_no_fault], timeout=10)

    done()
