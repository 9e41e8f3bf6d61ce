#!/usr/bin/env python3
"""finish_corpus.py DIR: writes DIR/index.json out of DIR/index.part.json, which the
guest wrote, and of the streams in DIR as zstreamlib.py reads them."""
import hashlib, json, re, sys
import zstreamlib as z

# What an entry keeps, in this order. The guest compared the received files with
# the ones that were sent; only the outcome (verified) is kept of that.
KEPT = ("name note command dataset_props from_name fromguid to_name toguid snapshots key chain expected streams records "
        "agrees_with_dump stream_problem damage made_from zstream_dump receive verified token token_nv size sha256").split()


def trim(index):
    return {"zfs": index["zfs"], "kernel": index["kernel"],
            "streams": [{k: e[k] for k in KEPT if k in e} for e in index["streams"] if not e.get("no_file")]}


def facts(data, dump):
    """What the bytes themselves say, and whether the oracle counts the same records."""
    streams = z.describe(data)
    records, problem = z.verify(data)
    e = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "streams": streams, "records": records}
    if problem: e["stream_problem"] = problem
    ours = {"BEGIN": len(streams)}
    for s in streams:
        for k, n in s["records"].items(): ours[k] = ours.get(k, 0) + n
    theirs = {m[1]: int(m[2]) for m in re.finditer(r"Total DRR_(\w+) records = (\d+)", dump)}
    if theirs: e["agrees_with_dump"] = all(ours.get(k, 0) == n for k, n in theirs.items())
    if streams:
        f = {name for s in streams for name in s["features"]}
        e["expected"] = {"package": streams[0]["hdrtype"] == "compound", "raw": "raw" in f, "compressed": "compressed" in f,
                         "embedded": "embed_data" in f, "large_blocks": "large_blocks" in f, "large_dnode": "large_dnode" in f,
                         "resuming": "resuming" in f, "redacted": "redacted" in f,
                         "incremental": any(s["fromguid"] != "0" for s in streams)}
    return e


def main(folder):
    with open(f"{folder}/index.part.json") as f: index = json.load(f)
    for e in index["streams"]:
        if e.get("no_file"): continue
        with open(f"{folder}/{e['name']}.zstream", "rb") as f: data = f.read()
        with open(f"{folder}/{e['name']}.dump.txt", encoding="utf-8", errors="replace") as f: dump = f.read()
        e.update(facts(data, dump))
    for n in index["notes"]:
        if "error" in n or "failed" in n: print("not made:", n, file=sys.stderr)
    write(trim(index), folder)


def write(index, folder):
    with open(f"{folder}/index.json", "w", encoding="utf-8") as f:
        json.dump(index, f, indent=1, ensure_ascii=False); f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
