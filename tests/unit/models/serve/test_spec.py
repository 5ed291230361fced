"""What may be said about serving, and that all of it reaches the gateway."""

import pytest
from pydantic import ValidationError

from datahall.interfaces.endpoints import endpoint_of
from datahall.models.serve.spec import DeploySpec
from datahall.platform.gateway.spec import ServingSpec

EVERYTHING = {
    "alias": "best",
    "min_replicas": 2,
    "max_replicas": 3,
    "target_in_flight": 5.0,
    "max_batch": 7,
    "timeout_s": 3.0,
    "max_body_bytes": 1000,
    "max_queue": 9,
    "rate_per_s": 11.0,
    "rate_burst": 13,
    "replica_cpus": 0.5,
    "replica_memory_bytes": 2000,
}


def test_every_setting_reaches_the_gateway():
    """Given a recipe that sets all there is to set, the endpoint has every one of them."""
    deploy = DeploySpec(endpoint="digits", **EVERYTHING)
    assert set(EVERYTHING) == set(ServingSpec.model_fields)
    assert endpoint_of(deploy, tenant="home", bundle="b").settings() == EVERYTHING


def test_former_names_are_taken():
    """Given a recipe of before, with `timeout`, `max_body` and `replica_memory`, it means what it meant."""
    deploy = DeploySpec.model_validate({"endpoint": "digits", "timeout": "3 s", "max_body": "1 MiB", "replica_memory": "1 GiB"})
    assert (deploy.timeout_s, deploy.max_body_bytes, deploy.replica_memory_bytes) == (3, 2**20, 2**30)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"timeout": 3, "timeout_s": 4}, "`timeout` and `timeout_s` are one setting; keep `timeout_s`"),
        ({"timeout_s": 0}, "greater than or equal to 0.05"),
        ({"rate_per_s": 0}, "greater than 0"),
        ({"min_replicas": 3, "max_replicas": 2}, "max_replicas=2 is below min_replicas=3"),
        ({"max_bodies": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(fields, says):
    """Given settings that contradict each other or serve nobody, the refusal says which."""
    with pytest.raises(ValidationError, match=says):
        DeploySpec.model_validate({"endpoint": "digits", **fields})


def test_a_shadow_begins_without_traffic():
    """Given `shadow`, the new version's share is nothing, whatever the canary's would be."""
    assert DeploySpec(endpoint="digits", shadow=True, canary_ratio=0.5).first_ratio == 0
    assert DeploySpec(endpoint="digits", canary_ratio=0.5).first_ratio == 0.5
