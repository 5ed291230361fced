"""A batch script of Slurm as a job, so that a user of Slurm can come over with what there is.

The script goes along as a file, behind a few lines in which `srun` starts nothing of its own: here every worker runs the
script, where Slurm runs it once and `srun` makes the workers. Source of options: Slurm's manual page sbatch(1),
slurm.schedmd.com/sbatch.html, read 2026-11: directives end at the first line that is neither empty nor a comment, options on
the command line win over them, memory without a unit is in MiB, time without a colon in minutes.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from datahall.foundation import document
from datahall.foundation.errors import Problem, Refused
from datahall.platform.importers.sbatch_options import LONG, SHORT, WITHOUT_VALUE, amounts
from datahall.platform.spec import JobSpec

SCRIPT = "slurm.sh"
SHEBANGS = ("sh", "bash", "dash", "ksh", "zsh")
HEAD = """\
# What Slurm would give, from what Datahall gives: every worker runs this script, so srun starts its command once, here.
export SLURM_JOB_ID="$DATAHALL_JOB" SLURM_PROCID="$RANK" SLURM_NTASKS="$WORLD_SIZE" SLURM_LOCALID="$LOCAL_RANK"
export SLURM_JOBID="$DATAHALL_JOB" SLURM_NPROCS="$WORLD_SIZE" SLURM_SUBMIT_DIR="$PWD" SLURM_JOB_NODELIST="$MASTER_ADDR"
export SLURM_CPUS_PER_TASK="{cpus}" SLURM_JOB_NAME="{name}"
srun() {{
  while [ "${{1#-}}" != "$1" ]; do
    case "$1" in
      --) shift; break ;;
      --*=*|{flags}) shift ;;
      --*|-[A-Za-z]) shift; [ $# -eq 0 ] || shift ;;
      *) shift ;;
    esac
  done
  "$@"
}}
scontrol() {{ [ "$1 $2" != "show hostnames" ] || printf '%s\\n' "$MASTER_ADDR"; }}
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """The job, and what of the script is left to its owner."""

    spec: JobSpec
    notes: tuple[str, ...]


def from_sbatch(text: str, *, source: str) -> Imported:
    """The job that a batch script asks for. Raises Refused with everything in it that a job cannot be.

    source: where the text comes from, for problems.
    """
    found, notes = _directives(text, source)
    problems = [*_no_script(text, source), *(one for one in notes if isinstance(one, Problem))]
    words, more = amounts(found)
    problems += [one for one in more if isinstance(one, Problem)]
    if problems:
        raise Refused(problems)
    told = [one for one in (*notes, *more, *_body_notes(text)) if isinstance(one, str)]
    try:
        return Imported(_job(text, words), tuple(dict.fromkeys(told)))
    except ValidationError as error:
        raise Refused(document.problems_of(error, JobSpec)) from None


def _no_script(text: str, source: str) -> Iterator[Problem]:
    """Slurm takes nothing that does not begin with the program that runs it."""
    if not text.startswith("#!"):
        fix = "give the batch script itself; its first line is #!/bin/bash"
        yield Problem("IMPORT-005", f"{source}:1", f"{text.partition(chr(10))[0][:40]!a} begins no batch script", fix)


def _job(text: str, words: Mapping[str, Any]) -> JobSpec:
    shell = _shell(text)
    if shell is None:  # another language: it asks for no srun of ours
        program = text.splitlines()[0][2:].split()
        return JobSpec(**words, command=(*program, SCRIPT), files={SCRIPT: text})
    head = HEAD.format(cpus=words.get("cpus", 1), name=words.get("name", "job"), flags="|".join(sorted(WITHOUT_VALUE)))
    first, _, rest = text.partition("\n")
    script = f"{first}\n{head}{rest}"
    return JobSpec(**words, command=(*shell, SCRIPT), files={SCRIPT: script})


def _shell(text: str) -> list[str] | None:
    """The shell that runs it, with its flags; None when its first line names another program."""
    words = text.partition("\n")[0][2:].split()
    if words and words[0].endswith("/env"):
        words = words[1:]
    program = words[0].rpartition("/")[2] if words else "bash"
    return [program, *words[1:]] if program in SHEBANGS else None


def _directives(text: str, source: str) -> tuple[dict[str, tuple[str, str]], list[str | Problem]]:
    """Long name -> value and place, the last of each; and what is not understood."""
    found: dict[str, tuple[str, str]] = {}
    told: list[str | Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{source}:{number}"
        if line.startswith("#SBATCH"):
            for one in _options(line.removeprefix("#SBATCH"), where):
                if isinstance(one, Problem):
                    told.append(one)
                else:
                    found[one[0]] = (one[1], where)
        elif line.strip() and not line.startswith("#"):
            break
    return found, told


def _options(line: str, where: str) -> Iterator[tuple[str, str] | Problem]:
    """`--name=value`, `--name value`, `-n4` and `-n 4` alike."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        yield Problem("IMPORT-001", where, "a quote is not closed", "close it")
        return
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            name = _completed(name.removeprefix("--"))
        elif word.startswith("-") and len(word) > 1:
            name, value, equals = SHORT.get(word[1], word[1]), word[2:], word[2:]
        else:
            yield Problem("IMPORT-001", where, f"`{word[:80]}` is no option", "write --name=value")
            continue
        if not equals and f"--{name}" not in WITHOUT_VALUE and name in LONG:
            value = next(rest, "")
        yield name, value


def _completed(name: str) -> str:
    """Slurm takes the beginning of a name where it fits one option only."""
    whole = [known for known in LONG if known.startswith(name)]
    return whole[0] if len(whole) == 1 and name not in LONG else name


def _body_notes(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    if any(line.lstrip().startswith(("mpirun", "mpiexec")) for line in lines):
        yield "mpirun starts processes of its own in every worker: start the program alone, or take one worker"
    if any(line.lstrip().startswith("module ") for line in lines):
        yield "`module` is there only where your machines have it"
    if "SLURM_ARRAY_" in text:
        yield "variables of an array are empty: a job is no array"
