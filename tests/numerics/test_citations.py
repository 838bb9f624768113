#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every number or title of a documentation page that a source cites is there; and the table of claims
in docs/numerics.md names proofs and files that are."""
import glob
import os
import re
import sys

SOURCE = os.environ["ASSAY_SOURCE_DIR"]
ROOMS = ["numerics", "formats", "rounding", "kernels", "audit"]
NUMBER = r"\d+(?:\.\d+)?"
CITATION = re.compile(r"(?:docs/)?([a-z-]+\.md),? (?:(?:sections?|proofs?|steps?) )?"
                      rf"(?:({NUMBER})(?: (?:to|and) ({NUMBER}))?\b|\"([^\"]+)\")")


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def flat(text):
    """A comment's lines as one."""
    return re.sub(r"\s*\n[ \t]*(?:\*+|#|//)?[ \t]*", " ", text)


def page(name):
    """The numbers that stand before a heading, a paragraph in bold or an item; and the text."""
    text = read(f"docs/{name}")
    return set(re.findall(rf"^(?:#+ |\*\*)?({NUMBER})\.? ", text, re.M)), text


def between(low, high):
    if high is None or "." in low:
        return [n for n in (low, high) if n]
    return [str(n) for n in range(int(low), int(high) + 1)]


pages = {os.path.basename(p): page(os.path.basename(p)) for p in glob.glob(f"{SOURCE}/docs/*.md")}
citations, wrong = 0, []


def follow(where, text):
    global citations
    for name, low, high, title in CITATION.findall(text):
        if name not in pages:
            wrong.append(f"{where}: no page docs/{name}")
            continue
        numbers, body = pages[name]
        citations += 1
        for number in between(low, high or None) if low else []:
            if number not in numbers:
                wrong.append(f"{where}: docs/{name} has no {number}")
        if title and f"## {title}" not in body and f"**{title}" not in body:
            wrong.append(f"{where}: docs/{name} has no \"{title}\"")


files = [os.path.relpath(f, SOURCE) for room in ROOMS
         for f in sorted(glob.glob(f"{SOURCE}/{room}/**/*.*", recursive=True))
         if f.endswith((".c", ".h", ".inc", ".def", ".py"))]
for file in files:
    follow(file, flat(read(file)))
rows = [r for r in re.findall(r"^\| (.*) \| (.*) \| (`.*`) \|$", read("docs/numerics.md"), re.M) if "/" in r[2]]
for claim, proofs, named in rows:
    for proof in proofs.split("; "):
        for part in [proof] if ".md" in proof else re.sub(r", ", "; ", proof).split("; "):
            follow(f"claim '{claim}'", part if ".md" in part else f"numerics.md, {part}")
    told = set(re.findall(r"[a-z-]+\.md", proofs)) | ({"numerics.md"} if proofs[0].isdigit() else set())
    for file in re.findall(r"`([^`]+)`", named):
        if file not in files:
            wrong.append(f"claim '{claim}': no file {file}")
        elif not any(f"docs/{name}" in read(file) for name in told):
            wrong.append(f"{file}: cites no proof of the claim '{claim}'")
print(f"{len(files)} files, {len(rows)} claims, {citations} citations, {len(wrong)} wrong")
print("\n".join(wrong))
sys.exit(bool(wrong) or not rows or citations < 40)
