# SPDX-License-Identifier: Apache-2.0
"""What the Python tests of the command share: running it, expectations, and the exit status."""
import os
import subprocess
import sys

failed = 0


def run(*args, code=0):
    """What `assay ARGS` says on stderr; its exit status has to be `code`."""
    done = subprocess.run([os.environ['ASSAY'], *args], capture_output=True, text=True)
    expect(done.returncode == code, f'{args}: exit {done.returncode}, {done.stderr}')
    return done.stderr


def expect(condition, what):
    global failed
    if not condition:
        failed += 1
        print(f'FAIL {what}')


def finish():
    print(f'{failed} failed')
    sys.exit(failed > 0)
