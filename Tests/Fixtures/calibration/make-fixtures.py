"""Makes the small compressed texts beside this file; needs the command `zstd`.

    python make-fixtures.py
"""

import gzip
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
DOCUMENTS = [
    "To be, or not to be: that is the question.", "Whether 'tis nobler in the mind to suffer\nthe slings and arrows",
    "caf\u00e9 caf\u0065\u0301 \U0001f642", "Or to take arms against a sea of troubles, and by opposing end them.",
]
LINES = "".join(json.dumps({"text": text, "other": [1, {}]}, ensure_ascii=False) + "\n" for text in DOCUMENTS).encode()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "-19"], input=data, capture_output=True, check=True).stdout


def gz(data):
    return gzip.compress(data, mtime=0)


# Cut inside the text's "é", so that a character lies in two members.
half = LINES.index(b"\xc3\xa9") + 1
skippable = b"\x53\x2a\x4d\x18\x04\x00\x00\x00skip"
(HERE / "lines.jsonl").write_bytes(LINES)
(HERE / "lines.jsonl.gz").write_bytes(gz(LINES[:half]) + gz(LINES[half:]) + gz(b""))
(HERE / "lines.jsonl.zst").write_bytes(skippable + zstd(LINES[:half]) + zstd(LINES[half:]))
# Gzip behind a name that does not say so.
(HERE / "hidden.jsonl").write_bytes(gz(LINES))
alpaca = [
    {"instruction": "Add.", "input": "1 + 2", "output": "3"}, {"instruction": "Greet.", "input": "", "output": "Hi"},
    {"instruction": "Greet.", "output": "Hello"}, {"text": "plain"},
]
(HERE / "alpaca.json").write_text(json.dumps(alpaca, indent=2) + "\n")
(HERE / "alpaca.json.zst").write_bytes(zstd(json.dumps(alpaca).encode()))
# 20 MB of spaces in a few bytes: more than a buffer of output from the last bytes of input.
(HERE / "spaces.txt.gz").write_bytes(gz(b" " * 20_000_000))
(HERE / "spaces.txt.zst").write_bytes(zstd(b" " * 20_000_000))
