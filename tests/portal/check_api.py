"""`make check-api`: random requests on everything the OpenAPI document describes. Not part of `make
test`.

Nothing a client can send gives a 500, an answer that the document does not describe, or a record
that is none.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
CASES = 2000
SLOW = "^/processes/(?!nearest/)[^/]+/execution"
"""An execution is a whole study, and those who wait are so many at most: `test_processes` and `test_jobs`
send them bodies of their own."""


@pytest.mark.parametrize("editable", [False, True])
def test_random_requests(
    tmp_path: Path, write_study, records_of_the_tests, put_directory, serve, editor, editable: bool
) -> None:
    write_study(tmp_path, "essai")
    records_of_the_tests(tmp_path)
    put_directory(tmp_path, ("09122", 42.9), ("09123", 42.95))
    put_directory(tmp_path, ("09122", 42.91), ("09124", 42.97), ("09125", 42.99))
    with serve(tmp_path, editable=editable) as url:
        command = [
            str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/openapi?f=json",
            "--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", "40", "--workers",
            "2",
            "--exclude-path-regex", SLOW, "--request-timeout", "60", "--seed", "7", "--no-color",
            *(("--include-path-regex", "^/collections/catalogue/") if editable else ()),
            *(("-H", f"Authorization: {editor.headers['Authorization']}") if editable else ()),
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=900, check=False, cwd=tmp_path
        )
    assert done.returncode == 0, done.stdout[-8000:]
    generated = int(re.search(r"(\d+) generated", done.stdout)[1])
    assert generated >= (CASES if not editable else 100)
