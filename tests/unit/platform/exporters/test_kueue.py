"""Manifests for Kueue: YAML that loads, values that Kubernetes leaves as they are, and a gang whose words are in no shell."""

import ast
import json
import re
from typing import Any

import pytest
import yaml
from tests.unit.platform.exporters.hostile import WORDS, hostile

from datahall.platform.exporters.kubernetes import object_name
from datahall.platform.exporters.kueue import GANG_PROGRAM, kueue, kueue_job
from datahall.platform.exporters.spec import LOCAL_ONLY, RANKED, Export, Options, same_everywhere
from datahall.platform.spec import JobSpec

JOB = JobSpec(command=("true",))
GIVEN = Options(queue="user-queue", image="registry.example/train:1")
REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")


def documents(text: str) -> dict[str, dict[str, Any]]:
    """Every document by its kind; each kind once."""
    found = [document for document in yaml.safe_load_all(text) if document]
    kinds = {document["kind"]: document for document in found}
    assert len(kinds) == len(found)
    return kinds


def expanded(text: str, variables: dict[str, str]) -> str:
    """As Kubernetes puts variables in: `$$` is a dollar, `$(NAME)` the value of a variable that stands before."""
    return REFERENCE.sub(lambda m: "$" if m[0] == "$$" else variables.get(m[1], m[0]), text)


def container(job: dict[str, Any]) -> dict[str, Any]:
    (only,) = job["spec"]["template"]["spec"]["containers"]
    return dict(only)


def variables(job: dict[str, Any], rank: int) -> dict[str, str]:
    """What the pod of that index sees; secrets left out."""
    seen: dict[str, str] = {}
    for row in container(job)["env"]:
        if "value" in row:
            seen[row["name"]] = expanded(row["value"], seen)
        elif "fieldRef" in row["valueFrom"]:
            assert row["valueFrom"]["fieldRef"]["fieldPath"].endswith("['batch.kubernetes.io/job-completion-index']")
            seen[row["name"]] = str(rank)
    return seen


def test_words_of_a_job_are_what_the_program_is_given():
    """Given words that Kubernetes would put variables into, each comes out to the letter, as argument, variable and file."""
    found = documents(kueue_job(Export(hostile(), GIVEN)))
    words = [expanded(word, variables(found["Job"], 0)) for word in container(found["Job"])["command"]]
    assert words[3:] == list(WORDS)
    assert [variables(found["Job"], 0)[f"WORD_{n}"] for n in range(len(WORDS))] == list(WORDS)
    data = found["ConfigMap"]["data"]
    mounts = {row["mountPath"]: data[row["subPath"]] for row in container(found["Job"])["volumeMounts"] if "subPath" in row}
    assert [mounts[f"/work/in/{n}.txt"] for n in range(len(WORDS))] == list(WORDS)
    assert found["Job"]["metadata"]["annotations"] == {f"datahall/word-{n}": word for n, word in enumerate(WORDS)}


def test_a_gang_is_a_ray_job_whose_entry_point_holds_no_word_of_it():
    """Given a hostile gang, the entry point is fixed, and the words are JSON in a ConfigMap."""
    found = documents(kueue(Export(hostile(retries=2, time_limit=60), GIVEN)))
    spec = found["RayJob"]["spec"]
    assert spec["entrypoint"] == "python /etc/datahall/gang.py"
    assert (spec["submissionMode"], spec["shutdownAfterJobFinishes"], spec["backoffLimit"]) == ("K8sJobMode", True, 2)
    (group,) = spec["rayClusterSpec"]["workerGroupSpecs"]
    assert [group[name] for name in ("replicas", "minReplicas", "maxReplicas")] == [4, 4, 4]
    gang = json.loads(found["ConfigMap"]["data"]["job.json"])
    assert gang["command"][3:] == list(WORDS)
    assert [gang["environment"][f"WORD_{n}"] for n in range(len(WORDS))] == list(WORDS)
    assert (gang["workers"], gang["time_limit_s"], gang["folder"]) == (4, 60, "/work")
    assert found["ConfigMap"]["data"]["gang.py"] == GANG_PROGRAM.read_text()
    assert "WORD_1" not in json.dumps(found["RayJob"])


def test_the_gangs_program_is_python_of_its_own():
    """Given the program that travels into the user's image, it imports nothing of ours."""
    tree = ast.parse(GANG_PROGRAM.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if name.startswith(("datahall", "ray"))]


def test_workers_of_an_indexed_job_find_each_other_as_under_our_own_engine():
    """Given four workers, each is told its index as rank, and the first one's name under the headless Service."""
    found = documents(kueue_job(Export(hostile(), GIVEN)))
    told = variables(found["Job"], 2)
    assert (told["RANK"], told["WORLD_SIZE"], told["MASTER_ADDR"]) == ("2", "4", "big-job-1-0.big-job-1")
    cluster = json.loads(told["TF_CONFIG"])
    assert cluster["cluster"]["worker"][3] == "big-job-1-3.big-job-1:15001" and cluster["task"]["index"] == 2
    assert found["Service"]["spec"]["clusterIP"] == "None"
    assert found["Service"]["metadata"]["name"] == found["Job"]["spec"]["template"]["spec"]["subdomain"] == "big-job-1"
    spec = found["Job"]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 4, 4)
    ours = set(same_everywhere(hostile())) | RANKED - {"DATAHALL_ATTEMPT"}
    assert ours - LOCAL_ONLY <= set(told), "how often Kubernetes has tried is not told to a pod"


def test_one_worker_is_a_plain_job_even_where_ray_is_for_gangs():
    """Given one worker with retries, it is a Job, in which a pod lost with its machine does not count."""
    found = documents(kueue(Export(JOB.model_copy(update={"retries": 3, "time_limit": 1.5}), GIVEN)))
    assert set(found) == {"Job"}
    spec = found["Job"]["spec"]
    assert spec["backoffLimit"] == 3 and spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["podFailurePolicy"]["rules"] == [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == 2


def test_the_queue_and_what_belongs_to_it():
    """Given a ClusterQueue and a priority, the LocalQueue and the priority class come with the job."""
    options = GIVEN.model_copy(update={"cluster_queue": "cluster-queue"})
    found = documents(kueue(Export(JOB.model_copy(update={"priority": -7}), options)))
    labels = found["Job"]["metadata"]["labels"]
    assert labels["kueue.x-k8s.io/queue-name"] == found["LocalQueue"]["metadata"]["name"] == "user-queue"
    assert found["LocalQueue"]["spec"] == {"clusterQueue": "cluster-queue"}
    assert labels["kueue.x-k8s.io/priority-class"] == found["WorkloadPriorityClass"]["metadata"]["name"]
    assert found["WorkloadPriorityClass"]["value"] == -7


def test_resources_are_exact():
    """Given tenths of a CPU and odd bytes, both are asked for to the thousandth and the byte, and limited to it."""
    job = JOB.model_copy(update={"cpus": 0.3, "memory": 10**9 + 1, "accelerators": 2})
    found = documents(kueue(Export(job, GIVEN.model_copy(update={"accelerator": "amd.com/gpu"}))))
    asked = container(found["Job"])["resources"]
    assert asked["requests"] == asked["limits"] == {"cpu": "300m", "memory": "1000000001", "amd.com/gpu": "2"}


def test_secrets_are_references():
    """Given a secret, the pod names the Secret's key, and the variable of the same name is dropped."""
    job = JOB.model_copy(update={"secrets": {"HUB": "hub.token"}, "environment": {"HUB": "no"}})
    (row,) = [row for row in container(documents(kueue(Export(job, GIVEN)))["Job"])["env"] if row["name"] == "HUB"]
    assert row["valueFrom"] == {"secretKeyRef": {"name": "datahall-secrets", "key": "hub.token"}}


@pytest.mark.parametrize(
    ("name", "there"),
    [("train", "train"), ("Train_v1.2", "train-v1-2"), ("7b", "job-7b"), ("a" * 60, "a" * 47), ("a" * 46 + ".b", "a" * 46)],
)
def test_names_are_those_that_kubernetes_takes(name: str, there: str):
    """Given a name with capitals, dots or too many letters, it becomes one that Kubernetes and KubeRay take."""
    assert object_name(name, longest=47) == there
