"""A control plane to be killed: the real wiring without HTTP, driven over its standard streams.

Each line in is a job (JSON) to submit; each line out is the number that was acknowledged, or `up` once it is ready.
"""

import json
import sys

from datahall.interfaces.bootstrap import build
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec


def main() -> None:
    platform = build(Home.from_environment())
    platform.start()
    sys.stdout.write("up\n")
    sys.stdout.flush()
    for line in sys.stdin:
        [number] = platform.scheduler.submit(LOCAL_ADMIN, JobSpec.model_validate_json(json.dumps(json.loads(line))))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    while platform.scheduler.state.jobs:
        platform.scheduler._thread.join(timeout=0.05)
    platform.stop(suspend=False)


if __name__ == "__main__":
    main()
